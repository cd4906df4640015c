"""Training loops that others wrote: Lightning, Hugging Face transformers and accelerate, fastai; command lines."""

from __future__ import annotations

from backproplint.frameworks.rows import Row, effect, loss, op, optimizer, rows, thing

_HF = (
    "model args:None _collator=data_collator:None dataset=train_dataset:None _evaluated=eval_dataset:None "
    "_tokenizer=tokenizer/processing_class:None _init=model_init:None * callbacks:None optimizers:None"
)
_FLAT = ("CrossEntropyLoss", "BCEWithLogitsLoss", "MSELoss")  # losses that flatten their arguments first
_LEARNER = (
    "dataset=dls model=model/arch loss=loss_func:None optimizer=opt_func:None lr:0.001 _splitter=splitter:None "
    "callbacks=cbs:None"
)

NAMES: dict[str, Row] = {
    "lightning.Trainer": thing(
        "trainer", "* gradient_clip_val:None gradient_clip_algorithm:'norm' max_epochs:None callbacks:None"
    ),
    "lightning.Fabric": thing("fabric"),
    **rows(
        "transformers.",
        {
            "Trainer Seq2SeqTrainer": thing("hf_trainer", _HF),
            "TrainingArguments Seq2SeqTrainingArguments": thing(
                "training_arguments",
                "_folder=output_dir * max_grad_norm:1.0 learning_rate:5e-05 warmup_steps:0 warmup_ratio:0.0",
            ),
        },
    ),
    **{
        f"transformers.get_{name}": thing("lr_scheduler", "optimizer")
        for name in (
            "scheduler",
            "constant_schedule",
            "constant_schedule_with_warmup",
            "linear_schedule_with_warmup",
            "cosine_schedule_with_warmup",
            "polynomial_decay_schedule_with_warmup",
            "inverse_sqrt_schedule",
        )
    },
    "ignite.engine.Engine": op("calls_back", "function=process_function"),
    "accelerate.notebook_launcher": op("calls_back", "function args:()"),
    "transformers.AdamW": optimizer("adam", "parameters=params lr:0.001", api="torch"),
    "apex.amp.scale_loss": op("identity", "x=loss"),
    "apex.amp.initialize": op("prepare", "*xs"),
    "apex.amp.master_params": op("parameters", "module=optimizer"),
    "accelerate.Accelerator": thing("accelerator"),
    **rows(
        "fastai.",
        {
            "learner.Learner vision.learner.vision_learner vision.learner.cnn_learner": thing("learner", _LEARNER),
            "callback.training.GradientClip": thing("clip_callback", "norm=max_norm:1.0"),
            "losses.CrossEntropyLossFlat": loss("cross_entropy", "", "prediction target", from_logits=True),
            "losses.BCEWithLogitsLossFlat": loss("bce", "", "prediction target", from_logits=True),
            "losses.MSELossFlat": loss("mse"),
            "optimizer.SGD": optimizer("sgd", "parameters=params lr momentum=mom:0.0", api="torch"),
            "optimizer.Adam optimizer.ranger optimizer.Lamb": optimizer("adam", "parameters=params lr", api="torch"),
            "optimizer.RMSProp": optimizer("rmsprop", "parameters=params lr", api="torch"),
        },
    ),
    "argparse.ArgumentParser": thing("parser"),
}

METHODS: dict[str, Row] = {
    "trainer.fit": effect("trainer_fit", "trainer model dataset=train_dataloaders/train_dataloader:None"),
    "hf_trainer.train": effect("trainer_fit", "trainer"),
    "hf_trainer.__init__": effect("construct", f"instance {_HF}"),
    "accelerator.backward": effect("backward", "_accelerator loss"),
    "accelerator.clip_grad_norm_": effect("clip_gradients", "_accelerator gradients=parameters norm=max_norm"),
    "accelerator.clip_grad_value_": effect("clip_gradients", "_accelerator gradients=parameters value=clip_value"),
    "accelerator.prepare": op("prepare", "_accelerator *xs=args"),
    "learner.fit": effect("trainer_fit", "trainer _epochs lr:None _decay=wd:None callbacks=cbs:None"),
    **rows(
        "learner.",
        {
            "fit_one_cycle fine_tune fit_flat_cos fit_sgdr": effect(
                "trainer_fit", "trainer _epochs lr=lr_max/base_lr/lr:None * callbacks=cbs:None", scheduled=True
            ),
            "to_fp16 to_fp32 to_native_fp16 to_parallel": op("identity", "x *_options"),
            "add_cb add_cbs": effect("add_callbacks", "trainer callbacks=cb/cbs"),
        },
    ),
    "fabric.backward": effect("backward", "_fabric loss=tensor"),
    "fabric.clip_gradients": effect(
        "clip_gradients", "_fabric _module=module optimizer value=clip_val:None norm=max_norm:None"
    ),
    **rows(
        "fabric.",
        {"setup setup_module setup_optimizers setup_dataloaders": op("prepare", "_fabric *xs=args")},
    ),
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
    "lightning_fabric": "lightning",
    "lightning.fabric": "lightning",
    **{f"fastai.{area}.{names}": "fastai" for area in ("vision", "text", "tabular") for names in ("all", "core")},
    "fastai.basics": "fastai",
    **{f"fastai.{name}": f"fastai.learner.{name}" for name in ("Learner",)},
    **{f"fastai.{name}": f"fastai.vision.learner.{name}" for name in ("vision_learner", "cnn_learner")},
    **{f"fastai.{name}": f"fastai.optimizer.{name}" for name in ("SGD", "Adam", "RMSProp", "ranger", "Lamb")},
    **{f"fastai.{name}Flat": f"fastai.losses.{name}Flat" for name in _FLAT},
    "fastai.GradientClip": "fastai.callback.training.GradientClip",
    "fastai.Callback": "fastai.callback.core.Callback",
    "fastai.torch": "torch",
    "fastai.nn": "torch.nn",
    "fastai.F": "torch.nn.functional",
}

BASES: dict[str, str] = {
    "lightning.LightningModule": "lightning",
    "lightning.LightningDataModule": "dataset",
    "lightning.Callback": "callback",
    "lightning.callbacks.Callback": "callback",
    "transformers.Trainer": "hf_trainer",
    "transformers.Seq2SeqTrainer": "hf_trainer",
    "transformers.TrainerCallback": "callback",
    "fastai.callback.core.Callback": "callback",
    "transformers.PreTrainedModel": "module",
}
