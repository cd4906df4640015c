"""What the tables say beside the canonical ops: structural ops, and extra arguments of canonical ops.

Link turns each structural op into what it stands for (a loop, a container, a call of an argument, an event).
Constants of a row (`layout`, `inplace`, `init`, `kind`, ...) read like arguments.
"""

from __future__ import annotations


def _read(text: str) -> dict[str, frozenset[str]]:
    """Lines `name name2: argument argument` as a table."""
    table: dict[str, frozenset[str]] = {}
    for line in filter(None, map(str.strip, text.splitlines())):
        names, _, arguments = line.partition(":")
        table |= dict.fromkeys(names.split(), frozenset(arguments.split()))
    return table


VALUES = _read("""
    constant: value
    identity: x requires_grad
    smooth: x axis out
    cosine: a b
    squared_difference: a b
    sizes: x axis
    stack_layers repeat_layers: x layer each count rest options
    rank: x
    l2_loss: x
    sampled_loss: weight target x
    clip_norm: x norm
    moments: x axis
    variable: initial name shape initializer trainable module inplace
    placeholder: shape batch_shape dtype
    empty: shape like requires_grad
    parameters: module named scope
    modules: module named direct
    assign: target value how inplace
    group: xs
    pad_packed: x
    schedule: lr
    losses_so_far regularization:
    wrap: function args
    wrap_scan: cell
    wrap_graph: inputs outputs updates
    custom_gradient: function
    grad_function: function argnums has_aux value
    vjp: function inputs
    tree_map: function tree rest
    scan: step initial xs returns
    map: step xs
    fori_loop: start stop step initial
    while_loop: condition step initial
    cond: condition yes no operands
    unroll: cell backward_cell x state static bidirectional
    init_module: module key inputs returns
    apply_module: module parameters inputs returns
    split_module: module same
    tree_at: where tree replace function
    prepare: xs
    own_optimizers: module
    named_optimizer: identifier
    optimizer_parameters: optimizer state
    compiled_loss: model target prediction
    calls_back: function args counts
    param_groups: optimizer
""")
DATA = _read("""
    dataset: layout low high tokens root train transform split name one_hot
    loader: dataset batch_size
    tensor_dataset split_arrays: xs x y
    split_dataset: dataset lengths
    map_dataset: dataset function
    file_data: dtype
    to_tensor: low high
    normalize: mean std x
    normalized: x mean std
    compose: transforms
    transform: function
    generated: generator x y
    thresholded: high kind
""")
LAYERS = _read(
    """
    activation lambda: x function input_shape batch_input_shape
    identity: x input_shape batch_input_shape requires_grad
    sequential: x layers api
    functional_model: x inputs outputs api
    container: x items keyed
    subtract_pair dot_pair: xs axes
    mlp: x output_sizes fan_in units hidden layers activation final_activation initializer bias_initializer bias
    multi_cell: x state cells
    wrapped_cell: x state cell unroll return_sequences
    wrapped: x layer input_shape batch_input_shape
    rnn_cell: x state kind hidden fan_in activation initializer recurrent_initializer bias_initializer bias \
        return_sequences return_state stateful input_shape batch_input_shape
"""
)
OBJECTS = _read("""
    no_grad enable_grad: function
    set_grad_enabled: mode
    tape: persistent
    rng: seed
    image_generator: rescale featurewise_center
    arg_scope: functions options
    session scaler parser finfo accelerator loaded_model strategy:
    estimator: model_fn
    lr_scheduler: optimizer
    feature_scaler: low high
    transformed transformed_with_state without_rng: function
    train_state: step apply_fn params tx
    nnx_optimizer: model optimizer
    trainer: gradient_clip_val gradient_clip_algorithm max_epochs callbacks
    training_arguments: max_grad_norm learning_rate warmup_steps warmup_ratio
    hf_trainer: model args dataset callbacks optimizers
    learner: dataset model loss optimizer lr callbacks
    clip_callback: norm
    lr_callback: schedule
    scikit_wrapper: build options models search
    fabric:
""")
EFFECTS = _read("""
    initialize: target init mean std low high value gain slope inplace
    apply_modules: module function
    append: container item name
    register_buffer: module name value
    add_loss: loss collected
    compile: model optimizer loss metrics
    fit: model x y batch_size epochs callbacks validation_data batch
    predict: model x y
    compute_gradients: optimizer loss parameters
    init_optimizer: optimizer parameters returns
    transform_gradients: optimizer gradients state parameters
    apply_updates: parameters updates
    update_module: state given gradients
    trainer_fit: trainer model dataset lr input_fn callbacks scheduled
    add_callbacks: trainer callbacks
    construct: instance model args dataset callbacks optimizers
    register_hook: x hook sees
    before_step: optimizer hook
    watch: tape x
    run: session fetches feed_dict
    set_shape: x shape
    print:
""")
OPTIMIZERS = _read(
    """
    sgd adam rmsprop adagrad adadelta adamax nadam lbfgs: \
        parameters lr momentum clip clipnorm clipvalue global_clipnorm api parts
    chain: transforms api
    clip: norm value api
    scale: lr api
    transform: api
    wrapped: optimizer clip api
"""
)

# Arguments that canonical ops have beside those of `ops.py`, and those that any op may have.
EXTRA = _read("""
    add subtract: scaled alpha
    apply_gradients: state optimizer model returns
    argmax argsort softmax log_softmax: axis
    backward: gradient
    cast: dtype
    clip_gradients: norm_type optimizer algorithm
    conv dense: weight normalizer strides
    divide: safe
    elu leaky_relu relu: slope
    embedding: initializer weight length
    gradient: gradient tape
    identity_matrix orthogonal: gain
    max min: overload
    minimize: optimizer clip lr
    norm: order axis safe
    zeros: dtype
    rnn: bias bias_initializer return_sequences return_state stateful size
    step: optimizer closure
    unscale: optimizer
    xavier_uniform variance_scaling: uniform
    zero_grad: optimizer module set_to_none
""")
EVERYWHERE = frozenset("out inplace like key requires_grad input_shape batch_input_shape collected".split())
