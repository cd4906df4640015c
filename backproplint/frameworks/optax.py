"""Optax: optimizers, gradient transformations, losses."""

from __future__ import annotations

from backproplint.frameworks.rows import Row, effect, op, optimizer, rows

_LR = "lr=learning_rate"
_PAIR = "prediction=predictions target=targets/labels"

_TRANSFORMS: dict[str, Row] = {
    "sgd noisy_sgd": optimizer("sgd", f"{_LR} momentum:None", api="optax"),
    "adam adamw amsgrad radam lamb adabelief lion yogi fromage": optimizer("adam", _LR, api="optax"),
    "adagrad": optimizer("adagrad", _LR, api="optax"),
    "adadelta": optimizer("adadelta", _LR, api="optax"),
    "adamax": optimizer("adamax", _LR, api="optax"),
    "nadam": optimizer("nadam", _LR, api="optax"),
    "rmsprop": optimizer("rmsprop", _LR, api="optax"),
    "lbfgs": optimizer("lbfgs", f"{_LR}:None", api="optax"),
    "chain": optimizer("chain", "*transforms", api="optax"),
    "clip_by_global_norm clip_by_block_rms": optimizer("clip", "norm=max_norm/threshold", api="optax"),
    "clip": optimizer("clip", "value=max_delta", api="optax"),
    "adaptive_grad_clip": optimizer("clip", "norm=clipping", api="optax"),
    "scale": optimizer("scale", "lr=step_size", api="optax"),
    "scale_by_learning_rate": optimizer("scale", _LR, api="optax"),
    "scale_by_adam scale_by_rms scale_by_schedule add_decayed_weights trace identity": optimizer(
        "transform", "", api="optax"
    ),
    "multi_transform partition": optimizer("chain", "transforms", api="optax"),
    "masked": optimizer("chain", "transforms=inner", api="optax"),
    "apply_if_finite MultiSteps flatten lookahead": optimizer("chain", "transforms=inner/opt", api="optax"),
    "inject_hyperparams": op("wrap", "function=inner_factory"),
}

_LOSSES: dict[str, Row] = {
    "softmax_cross_entropy softmax_cross_entropy_with_integer_labels": op(
        "cross_entropy", "prediction=logits target=labels", from_logits=True
    ),
    "sigmoid_binary_cross_entropy": op("bce", "prediction=logits target=labels", from_logits=True),
    "l2_loss squared_error": op("mse", "prediction=predictions target=targets:None", reduction="none"),
    "huber_loss": op("huber", "prediction=predictions target=targets:None delta:1.0"),
    "absolute_error": op("mae", _PAIR),
    "hinge_loss": op("hinge", "prediction=predictor_outputs target=targets"),
    "kl_divergence": op("kl", "prediction=log_predictions target=targets"),
    "cosine_distance": op("cosine_loss", _PAIR),
    "log_cosh ctc_loss": op("other_loss", _PAIR),
}

NAMES: dict[str, Row] = {
    **rows("optax.", _TRANSFORMS),
    **rows("optax.", _LOSSES),
    "optax.apply_updates": effect("apply_updates", "parameters=params updates"),
    "optax.global_norm": op("norm", "x=updates", safe=False),
    "optax.incremental_update": op("stop_gradient", "x=new_tensors"),
}

METHODS: dict[str, Row] = {
    "optimizer.init": effect("init_optimizer", "optimizer parameters=params"),
    "optimizer.update": effect("transform_gradients", "optimizer gradients=updates/grads state parameters=params:None"),
}

ALIASES: dict[str, str] = {"optax.losses": "optax", "optax.transforms": "optax", "optax.contrib": "optax"}

BASES: dict[str, str] = {}
