"""Times the implementations against PyTorch's attention, interleaved, with memory and errors."""

from dymos_kernels.benchmark.rows import Row, append, device_name
from dymos_kernels.benchmark.shapes import CUT, WHOLE, Shape
from dymos_kernels.benchmark.timing import measure, methods_of

__all__ = ["CUT", "WHOLE", "Row", "Shape", "append", "device_name", "measure", "methods_of"]
