"""Asset `item_parameters`: a new calibration of all items; it becomes the bank in force only where there is none yet."""
