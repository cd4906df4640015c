"""The frameworks are quiet, stay on the CPU, and do not start threads for arrays this small."""

import os

os.environ.update(
    {"TF_CPP_MIN_LOG_LEVEL": "3", "CUDA_VISIBLE_DEVICES": "", "JAX_PLATFORMS": "cpu", "OMP_NUM_THREADS": "1"}
)
