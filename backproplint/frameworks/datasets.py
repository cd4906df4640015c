"""Data sets, their loaders and their scalers: which come as raw pixels of 0..255, which are scaled already."""

from __future__ import annotations

from backproplint.frameworks.rows import Row, op, rows, thing

_PIXELS = {"low": 0.0, "high": 255.0}
_VISION = "root train:True transform:None"
_PRETRAINED = "vgg16 vgg19 resnet50 resnet inception_v3 xception mobilenet mobilenet_v2 densenet efficientnet"
_AUGMENTATIONS = (
    "Resize CenterCrop RandomCrop RandomHorizontalFlip RandomVerticalFlip RandomResizedCrop RandomRotation "
    "RandomAffine RandomPerspective RandomErasing RandomApply RandomChoice ColorJitter Grayscale Pad"
)
_NO_SPLIT = "root split:None transform:None"

NAMES: dict[str, Row] = {
    **rows(
        "keras.datasets.",
        {
            "mnist.load_data fashion_mnist.load_data cifar10.load_data cifar100.load_data": op(
                "dataset", "", layout="pairs", **_PIXELS
            ),
            "boston_housing.load_data california_housing.load_data": op(
                "dataset", "", layout="pairs", low=0.0, high=711.0
            ),
            "imdb.load_data reuters.load_data": op("dataset", "", layout="pairs", tokens=True),
        },
    ),
    **rows(
        "sklearn.datasets.",
        {
            "load_iris": op("dataset", "", layout="bunch", low=0.1, high=7.9),
            "load_digits": op("dataset", "", layout="bunch", low=0.0, high=16.0),
            "load_wine": op("dataset", "", layout="bunch", low=0.1, high=1680.0),
            "load_breast_cancer": op("dataset", "", layout="bunch", low=0.0, high=4254.0),
            "load_boston": op("dataset", "", layout="bunch", low=0.0, high=711.0),
            "load_diabetes": op("dataset", "", layout="bunch", low=-0.2, high=0.2),
            "fetch_olivetti_faces": op("dataset", "", layout="bunch", low=0.0, high=1.0),
            "fetch_california_housing": op("dataset", "", layout="bunch", low=-124.4, high=35682.0),
            "fetch_openml fetch_mldata": op("dataset", "name", layout="bunch"),
            "make_moons make_circles make_blobs make_classification make_regression": op(
                "dataset", "", layout="pair", low=-3.0, high=3.0
            ),
        },
    ),
    **rows(
        "torchvision.datasets.",
        {
            "MNIST FashionMNIST KMNIST QMNIST CIFAR10 CIFAR100": op(
                "dataset", _VISION, layout="torchvision", **_PIXELS
            ),
            "EMNIST SVHN STL10 CelebA ImageNet": op("dataset", _NO_SPLIT, layout="torchvision", **_PIXELS),
            "ImageFolder": op("dataset", "root transform:None", layout="torchvision", **_PIXELS),
        },
    ),
    **rows(
        "torchvision.transforms.",
        {
            "ToTensor ConvertImageDtype": op("to_tensor", "", low=0.0, high=1.0),
            "PILToTensor": op("to_tensor", "", **_PIXELS),
            "Normalize": op("normalize", "mean std"),
            "Compose": op("compose", "transforms"),
            "Lambda": op("transform", "function=lambd"),
            _AUGMENTATIONS: op("transform", ""),
            "functional.to_tensor": op("rescale", "x=pic", scale=1 / 255, offset=0.0),
            "functional.normalize": op("normalized", "x=tensor mean std"),
        },
    ),
    "tensorflow.examples.tutorials.mnist.input_data.read_data_sets": op(
        "dataset", "_folder=train_dir one_hot:False", layout="tf_mnist", low=0.0, high=1.0
    ),
    "tensorflow.data.Dataset.from_tensor_slices": op("tensor_dataset", "*xs=tensors"),
    "tensorflow_datasets.load": op("dataset", "name split:None", layout="tfds", **_PIXELS),
    **rows(
        "sklearn.preprocessing.",
        {
            "StandardScaler": thing("feature_scaler", "", low=-3.0, high=3.0),
            "MinMaxScaler MaxAbsScaler": thing("feature_scaler", "", low=-1.0, high=1.0),
            "RobustScaler Normalizer": thing("feature_scaler", "", low=-3.0, high=3.0),
            "scale normalize minmax_scale": op("normalized", "x=X"),
            "OneHotEncoder LabelBinarizer": thing("feature_scaler", "", low=0.0, high=1.0),
        },
    ),
    **{f"keras.applications.{name}.preprocess_input": op("normalized") for name in _PRETRAINED.split()},
    "keras.preprocessing.image.ImageDataGenerator": thing("image_generator", "* rescale:None featurewise_center:False"),
    "keras.preprocessing.image.img_to_array": op("identity", "x=img"),
    "tensorflow.image.per_image_standardization": op("normalized", "x=image"),
    "tensorflow.image.convert_image_dtype": op("rescale", "x=image", scale=1 / 255, offset=0.0),
    "cv2.threshold": op("thresholded", "_image=src _at=thresh high=maxval kind=type"),
    "sklearn.model_selection.train_test_split": op("split_arrays", "*xs=arrays"),
}

METHODS: dict[str, Row] = {
    "feature_scaler.fit_transform": op("normalized", "_scaler x=X"),
    "feature_scaler.transform": op("normalized", "_scaler x=X"),
    "image_generator.flow": op("generated", "generator x y:None"),
    "image_generator.flow_from_directory": op("generated", "generator"),
    "feature_scaler.fit": op("identity", "x"),
}

ALIASES: dict[str, str] = {
    "tensorflow.contrib.learn.datasets.mnist": "tensorflow.examples.tutorials.mnist.input_data",
    "sklearn.cross_validation": "sklearn.model_selection",
    "torchvision.transforms.transforms": "torchvision.transforms",
    "torchvision.transforms.v2": "torchvision.transforms",
    "torchvision.transforms.functional_tensor": "torchvision.transforms.functional",
    "torchvision.datasets.mnist": "torchvision.datasets",
    "torchvision.datasets.cifar": "torchvision.datasets",
}

BASES: dict[str, str] = {}
