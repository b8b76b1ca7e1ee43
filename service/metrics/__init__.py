"""What is counted, and how the counts of all processes are summed."""
