"""The lab: stock Debian kernels in QEMU as NVMe hosts of the target. See ../README.md."""
