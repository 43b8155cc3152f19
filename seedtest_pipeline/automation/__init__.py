"""What runs by itself: schedule, sensors, and the end of orphaned runs; a file each."""
