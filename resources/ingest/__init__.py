"""Files of responses -> exam_results: read, checked to the row, loaded once. Must not hold: what is made of them."""
