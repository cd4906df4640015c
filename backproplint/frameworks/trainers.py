"""Training loops that others wrote: Lightning, Hugging Face transformers and accelerate, fastai; command lines."""

from __future__ import annotations

from backproplint.frameworks.rows import Row, effect, op, optimizer, rows, thing

NAMES: dict[str, Row] = {
    "lightning.Trainer": thing(
        "trainer", "* gradient_clip_val:None gradient_clip_algorithm:'norm' max_epochs:None callbacks:None"
    ),
    "transformers.Trainer": thing(
        "hf_trainer", "model args:None _collator=data_collator:None dataset=train_dataset:None"
    ),
    "transformers.Seq2SeqTrainer": thing(
        "hf_trainer", "model args:None _collator=data_collator:None dataset=train_dataset:None"
    ),
    **rows(
        "transformers.",
        {
            "TrainingArguments Seq2SeqTrainingArguments": thing(
                "training_arguments", "_folder=output_dir * max_grad_norm:1.0 learning_rate:5e-05"
            ),
        },
    ),
    "transformers.AdamW": optimizer("adam", "parameters=params lr:0.001", api="torch"),
    "apex.amp.scale_loss": op("identity", "x=loss"),
    "apex.amp.initialize": op("prepare", "*xs"),
    "apex.amp.master_params": op("parameters", "module=optimizer"),
    "accelerate.Accelerator": thing("accelerator"),
    **rows(
        "fastai.",
        {
            "learner.Learner vision.learner.vision_learner vision.learner.cnn_learner": thing(
                "learner", "dataset=dls model=model/arch loss=loss_func:None"
            ),
        },
    ),
    "argparse.ArgumentParser": thing("parser"),
}

METHODS: dict[str, Row] = {
    "trainer.fit": effect("trainer_fit", "trainer model dataset=train_dataloaders/train_dataloader:None"),
    "hf_trainer.train": effect("trainer_fit", "trainer"),
    "accelerator.backward": effect("backward", "_accelerator loss"),
    "accelerator.clip_grad_norm_": effect("clip_gradients", "_accelerator gradients=parameters norm=max_norm"),
    "accelerator.clip_grad_value_": effect("clip_gradients", "_accelerator gradients=parameters value=clip_value"),
    "accelerator.prepare": op("prepare", "_accelerator *xs=args"),
    **rows("learner.", {"fit fit_one_cycle fine_tune": effect("trainer_fit", "trainer _epochs lr:None")}),
    "lightning.manual_backward": effect("backward", "_module loss"),
    "lightning.optimizers": op("own_optimizers", "module"),
    "lightning.clip_gradients": effect(
        "clip_gradients", "_module optimizer norm=gradient_clip_val:None algorithm=gradient_clip_algorithm:'norm'"
    ),
    "lightning.log": effect("print", "_module *_values"),
}

ALIASES: dict[str, str] = {
    "pytorch_lightning": "lightning",
    "lightning.pytorch": "lightning",
    "lightning.core": "lightning",
    "lightning.pytorch.trainer": "lightning",
    "lightning.core.lightning": "lightning",
    "transformers.optimization": "transformers",
    "transformers.trainer": "transformers",
    "transformers.training_args": "transformers",
    "fastai.vision.all": "fastai.vision.learner",
    "fastai.vision.all.Learner": "fastai.learner.Learner",
    "fastai.basics": "fastai.learner",
}

BASES: dict[str, str] = {
    "lightning.LightningModule": "lightning",
    "lightning.LightningDataModule": "dataset",
    "transformers.Trainer": "hf_trainer",
    "transformers.PreTrainedModel": "module",
}
