"""The machine: devices, threads, processes, random numbers, interrupts, files, plain values."""
