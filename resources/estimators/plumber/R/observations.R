# The other form of a calibration's body: one JSON object with the answers in it, as callers of the predecessor send it.
# A large one goes as CSV: 50,000 answers are read in 5 ms there, and in some 250 here.
#
#   {"model": "2PL", "observations": [{"user_id": "u1", "item_id": "17", "is_correct": true}, ...]}

# JSON ends with a brace, CSV with a 0, a 1 or a line's end after one.
is_document <- function(bytes) {
  printed <- which(bytes > as.raw(0x20))
  length(printed) > 0L && bytes[printed[length(printed)]] == charToRaw("}")
}

# As read_body() gives it.
read_observations <- function(bytes) {
  head <- read_json(text_of(bytes))
  observations <- required(head, "observations")
  if (!is.list(observations) || !is.null(names(observations)) || length(observations) == 0L) {
    refuse("observations must be a list of objects, and not an empty one.", "observations")
  }
  label <- function(i) sprintf("observations[%d]", i - 1L)
  form <- "An observation is {\"user_id\", \"item_id\", \"is_correct\"}."
  refuse_unless(vapply(observations, is_object, NA), label, function(i) form)
  user <- vapply(observations, function(entry) as_id(entry[["user_id"]]), "")
  refuse_unless(
    !is.na(user), function(i) paste0(label(i), ".user_id"), function(i) "user_id must be a string that is not empty."
  )
  item <- ids_of(observations, label)
  correct <- vapply(observations, function(entry) as_correct(entry[["is_correct"]]), 0L)
  refuse_unless(
    !is.na(correct), function(i) paste0(label(i), ".is_correct"), function(i) "is_correct must be true, false, 1 or 0."
  )
  list(head = head, rows = data.frame(user = user, item = item, correct = correct))
}

as_correct <- function(x) {
  if (is_flag(x) || (is_number(x) && x %in% c(0, 1))) as.integer(x) else NA_integer_
}
