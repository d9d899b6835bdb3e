"""The science: arrays in, arrays out. It knows no folder that is watched, no config and no media library."""

from dim_model import kernel_cache

kernel_cache.ensure()  # here, for numba asks for the folder once, when the first kernel imports it
