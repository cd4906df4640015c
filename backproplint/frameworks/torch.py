"""PyTorch: functions and tensor methods; `torch_nn.py` has torch.nn and torch.optim."""

from __future__ import annotations

from backproplint.frameworks import torch_nn
from backproplint.frameworks.rows import Row, alike, effect, in_place, layer, op, rows, thing

_INPUT = "x=input"
_REDUCE = "x=input axis=dim/axis:None"

# Functions that are also methods of a tensor: the first parameter is the receiver.
_SHARED: dict[str, Row] = {
    **alike("abs exp log sqrt square sigmoid tanh relu selu softplus round sign", _INPUT),
    **alike("mean sum cumsum", _REDUCE),
    **alike("argmax argsort", _REDUCE),
    **alike("softmax log_softmax", "x=input axis=dim:None"),
    **alike("maximum minimum", "a=input b=other"),
    "absolute": op("abs", _INPUT),
    "log2 log10": op("log", _INPUT),
    "log1p expm1 sin cos tan acos atan2 erf logsumexp std cumprod": op("smooth", _REDUCE),
    "rsqrt": op("power", _INPUT, exponent=-0.5),
    "reciprocal": op("power", _INPUT, exponent=-1),
    "neg negative": op("negate", _INPUT),
    "floor ceil trunc": op("round", _INPUT),
    "sgn": op("sign", _INPUT),
    "clamp clip": op("clip", "x=input low=min:None high=max:None out:None"),
    "clamp_min": op("clip", "x=input low=min"),
    "clamp_max": op("clip", "x=input high=max"),
    "add": op("add", "a=input b=other scaled:None * alpha:None"),
    "sub subtract": op("subtract", "a=input b=other scaled:None * alpha:None"),
    "mul multiply": op("multiply", "a=input b=other"),
    "div divide true_divide": op("divide", "a=input b=other"),
    "floor_divide fmod remainder": op("round", _INPUT),
    "pow": op("power", "x=input exponent"),
    "matmul mm bmm mv dot ger outer": op("matmul", "a=input b=other/mat2/vec/tensor/vec2"),
    "addmm baddbmm addmv": op("matmul", "_input a=mat1/batch1/mat b=mat2/batch2/vec"),
    "prod": op("product", _REDUCE),
    "var": op("variance", _REDUCE),
    "max": op("max", "x=input axis=dim/axis/other:None", overload="maximum"),
    "min": op("min", "x=input axis=dim/axis/other:None", overload="minimum"),
    "amax": op("max", _REDUCE),
    "amin": op("min", _REDUCE),
    "argmin": op("argmax", _REDUCE),
    "norm": op("norm", "x=input order=p:2 axis=dim:None", safe=True),
    "eq ne gt ge lt le greater less logical_and logical_or isclose": op("compare", "x=input _other"),
    "logical_not isnan isinf isfinite all any": op("compare", _INPUT),
    "t": op("shape", _INPUT),
    "reshape flatten permute transpose squeeze unsqueeze swapaxes movedim roll rot90 flip tile": op(
        "shape", "x=input *_sizes"
    ),
    "chunk split unbind repeat_interleave broadcast_to tril triu diag": op("shape", "x=input *_sizes"),
    "gather index_select take_along_dim": op("index", "x=input _dim index"),
    "topk": op("max", "x=input _k axis=dim:-1"),
    "sort": op("shape", "x=input _axis=dim:-1"),
    "masked_select": op("index", "x=input index=mask"),
    "masked_fill": op("where", "b=input condition=mask a=value"),
    "detach": op("stop_gradient", _INPUT),
    "clone": op("identity", _INPUT),
}

_FUNCTIONS: dict[str, Row] = {
    "where": op("where", "condition a=input b=other"),
    "cat concat concatenate": op("concat", "xs=tensors axis=dim:0"),
    "stack hstack vstack": op("stack", "xs=tensors axis=dim:0"),
    "einsum": op("einsum", "equation a b:None"),
    "tensor as_tensor from_numpy Tensor FloatTensor DoubleTensor LongTensor cuda.FloatTensor autograd.Variable": op(
        "identity", "x=data * requires_grad:False"
    ),
    "randn": op("normal", "*shape=size requires_grad:False", mean=0.0, std=1.0),
    "randn_like": op("normal", "like=input * requires_grad:False", mean=0.0, std=1.0),
    "normal": op("normal", "mean:0.0 std:1.0 shape=size:None"),
    "rand": op("uniform", "*shape=size requires_grad:False", low=0.0, high=1.0),
    "rand_like": op("uniform", "like=input * requires_grad:False", low=0.0, high=1.0),
    "zeros": op("zeros", "*shape=size requires_grad:False"),
    "zeros_like": op("zeros", "like=input * requires_grad:False"),
    "ones": op("ones", "*shape=size requires_grad:False"),
    "ones_like": op("ones", "like=input * requires_grad:False"),
    "full": op("full", "shape=size value=fill_value * requires_grad:False"),
    "full_like": op("full", "like=input value=fill_value"),
    "empty": op("empty", "*shape=size requires_grad:False"),
    "empty_like": op("empty", "like=input"),
    "eye": op("identity_matrix", "*shape"),
    "no_grad inference_mode": thing("no_grad", "function:None"),
    "enable_grad": thing("enable_grad", "function:None"),
    "set_grad_enabled": thing("set_grad_enabled", "mode"),
    "compile vmap func.vmap jit.script jit.trace utils.checkpoint.checkpoint": op(
        "wrap", "function=model/func/fn *args"
    ),
    "func.grad func.grad_and_value": op("grad_function", "function=func argnums:0 has_aux:False"),
    "autograd.grad": effect("gradient", "loss=outputs parameters=inputs gradient=grad_outputs:None"),
    "distributed.autograd.backward": effect("backward", "_context loss=roots"),
    "autograd.backward": effect("backward", "loss=tensors gradient=grad_tensors:None"),
    "utils.data.DataLoader": op("loader", "dataset batch_size:1"),
    "utils.data.TensorDataset": op("tensor_dataset", "*xs=tensors"),
    "utils.data.random_split": op("split_dataset", "dataset lengths"),
    "utils.data.Subset": op("identity", "x=dataset"),
    "cuda.amp.GradScaler amp.GradScaler": thing("scaler"),
    "nn.Parameter nn.parameter.Parameter": op("variable", "initial=data trainable=requires_grad:True"),
    "nn.ParameterList nn.ModuleList": layer("container", "items=modules/parameters/values:None"),
    "nn.ParameterDict nn.ModuleDict": layer("container", "items=modules/parameters:None", keyed=True),
    "nn.Sequential": layer("sequential", "*layers", api="torch"),
    "nn.DataParallel nn.parallel.DistributedDataParallel nn.utils.spectral_norm nn.utils.weight_norm": op(
        "identity", "x=module"
    ),
    "nn.utils.clip_grad_norm_ nn.utils.clip_grad_norm": effect(
        "clip_gradients", "gradients=parameters norm=max_norm norm_type:2.0"
    ),
    "nn.utils.clip_grads_with_norm_": effect("clip_gradients", "gradients=parameters norm=max_norm"),
    "multiprocessing.spawn": op("calls_back", "function=fn args:()", counts=True),
    "distributed.fsdp.FullyShardedDataParallel": op("identity", "x=module"),
    "nn.utils.clip_grad_value_": effect("clip_gradients", "gradients=parameters value=clip_value"),
    "nn.utils.rnn.pack_padded_sequence nn.utils.rnn.pack_sequence": op("identity", "x=input"),
    "nn.utils.rnn.pad_sequence": op("shape", "x=sequences"),
    "nn.utils.rnn.pad_packed_sequence": op("pad_packed", "x=sequence"),
}

NAMES: dict[str, Row] = {
    **rows("torch.", _SHARED),
    **rows("torch.", _FUNCTIONS),
    **torch_nn.NAMES,
}

_ONLY_METHODS: dict[str, Row] = {
    "view": op("shape", "x *_sizes", exact=True),
    "view_as expand expand_as repeat unfold": op("shape", "x *_sizes"),
    "@T @mT": op("shape"),
    "cpu cuda to contiguous pin_memory type_as double half retain_grad": op("identity", "x *_where"),
    "float type": op("cast", "x dtype:None"),
    "long int bool byte": op("cast_int"),
    "size": op("sizes", "x axis=dim:None"),
    "dim ndimension @ndim": op("rank"),
    "numpy item tolist @data": op("stop_gradient"),
    "scatter scatter_add": op("where", "b=x _dim condition=index a=src/value"),
    "take": op("index", "x index"),
    "new_zeros": op("zeros", "like *shape"),
    "new_ones": op("ones", "like *shape"),
    "backward": effect("backward", "loss gradient:None"),
    "register_hook": effect("register_hook", "x hook"),
    "register_post_accumulate_grad_hook": effect("register_hook", "x hook", sees="parameter"),
    "zero_": effect("initialize", "target", init="zeros", inplace=True),
    "fill_": effect("initialize", "target value", init="full", inplace=True),
    "normal_": effect("initialize", "target mean:0.0 std:1.0", init="normal", inplace=True),
    "uniform_": effect("initialize", "target low=from:0.0 high=to:1.0", init="uniform", inplace=True),
    "copy_ set_": op("assign", "target value=src", inplace=True),
    "requires_grad_": op("variable", "initial trainable=requires_grad:True", inplace=True),
    "scatter_ scatter_add_ index_fill_ index_copy_ index_add_": op(
        "where", "b=x _dim condition=index a=src/value", inplace=True
    ),
}
_IN_PLACE = (
    "abs exp log sqrt square sigmoid tanh relu round sign neg floor ceil clamp clip clamp_min clamp_max add sub mul "
    "div pow squeeze unsqueeze t transpose detach masked_fill reciprocal rsqrt"
)
_shared_methods = rows("tensor.", _SHARED)

METHODS: dict[str, Row] = {
    **_shared_methods,
    "tensor.where": op("where", "a condition b=other"),
    **rows("tensor.", _ONLY_METHODS),
    **{f"tensor.{name}_": in_place(_shared_methods[f"tensor.{name}"]) for name in _IN_PLACE.split()},
    "optimizer.step": effect("step", "optimizer closure:None"),
    "optimizer.zero_grad": effect("zero_grad", "optimizer set_to_none:True"),
    "scaler.scale": op("identity", "_scaler x=outputs"),
    "scaler.step": effect("step", "_scaler optimizer"),
    "scaler.unscale_": effect("unscale", "_scaler optimizer"),
    "module.zero_grad": effect("zero_grad", "module"),
    "module.parameters": op("parameters", "module"),
    "module.named_parameters": op("parameters", "module", named=True),
    "module.modules": op("modules", "module"),
    "module.named_modules": op("modules", "module", named=True),
    "module.children": op("modules", "module", direct=True),
    "module.named_children": op("modules", "module", named=True, direct=True),
    "module.apply": effect("apply_modules", "module function=fn"),
    "module.register_full_backward_hook": effect("register_hook", "x hook", sees="module"),
    "module.register_backward_hook": effect("register_hook", "x hook", sees="module"),
    "optimizer.register_step_pre_hook": effect("before_step", "optimizer hook"),
    "optimizer.@param_groups": op("param_groups", "optimizer"),
    **rows("module.", {"to cuda cpu train eval float double half": op("identity", "x *_where")}),
    "module.clip_grad_norm_": effect("clip_gradients", "gradients norm=max_norm"),
    "module.add_module": effect("append", "container name item=module"),
    "module.register_buffer": effect("register_buffer", "module name value=tensor"),
    "container.append": effect("append", "container item=module"),
}

_MODULE_FILES = "activation batchnorm container conv dropout linear loss module normalization pooling rnn sparse"
ALIASES: dict[str, str] = {
    "torch.functional": "torch",
    "torch.special": "torch",
    "torch.linalg": "torch",
    "torch.nn.modules": "torch.nn",
    "torch.Tensor": "tensor",
    "torch.autograd.variable.Variable": "torch.autograd.Variable",
    "torch.autograd.no_grad": "torch.no_grad",
    "torch.autograd.grad_mode": "torch",
    "torch.utils.data.dataloader": "torch.utils.data",
    "torch.utils.data.dataset": "torch.utils.data",
    "torch.nn.utils.clip_grad": "torch.nn.utils",
    **{f"torch.nn.modules.{file}": "torch.nn" for file in _MODULE_FILES.split()},
    **{f"torch.optim.{kind.lower()}.{kind}": f"torch.optim.{kind}" for kind in torch_nn.OPTIMIZER_NAMES},
}

BASES: dict[str, str] = {
    "torch.nn.Module": "module",
    "torch.nn.Sequential": "module",
    "torch.jit.ScriptModule": "module",
    "torch.nn._Loss": "module",
    "torch.nn._WeightedLoss": "module",
    "torch.nn.RNNBase": "module",
    "torch.autograd.Function": "autograd_function",
    "torch.utils.data.Dataset": "dataset",
}
