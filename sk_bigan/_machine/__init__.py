"""The machine: devices, threads, random numbers, processes, interrupts and files."""
