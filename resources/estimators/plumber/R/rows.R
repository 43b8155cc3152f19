# The body of the two requests about many learners: one line of JSON, a newline, then CSV with a header. A body of two
# parts in one stream: no boundary to make up, no escaping, and `(cat head.json; cat rows.csv) | curl --data-binary @-`
# sends it.
#
#   {"item_params": {...}, "prior": {"mean": 0, "sd": 1}}
#   user,item,correct
#   u1,17,1

csv_mime <- "text/csv"

read_body <- function(bytes) {
  end <- grepRaw("\n", bytes, fixed = TRUE)
  if (length(end) == 0L) refuse("The body is one line of JSON, a newline, then CSV: no newline was found.", "body")
  rows <- bytes[seq.int(end + 1L, length.out = length(bytes) - end)]
  list(head = read_json(text_of(head(bytes, end - 1L), "head"), "head"), rows = read_rows(rows))
}

# A data frame of user and item (text, as given: 007 is not 7) and correct (0 or 1).
read_rows <- function(bytes) {
  end <- grepRaw("\n", bytes, fixed = TRUE)
  if (length(end) == 0L) refuse("The CSV has a header and no rows.", "csv")
  rows <- parse_csv(bytes)
  header <- strsplit(gsub("\"|\r", "", text_of(head(bytes, end - 1L), "csv")), ",", fixed = TRUE)[[1L]]
  if (!identical(header, names(rows))) refuse("The CSV must begin with its header.", "csv") # fread skips to a table
  for (name in c("user", "item", "correct")) {
    if (sum(names(rows) == name) != 1L) refuse(sprintf("The CSV must have one column %s.", name), name)
  }
  if (nrow(rows) == 0L) refuse("The CSV has a header and no rows.", "csv")
  for (name in c("user", "item")) {
    refuse_unless(
      nzchar(rows[[name]]), function(i) name, function(i) sprintf("Row %d has no %s.", i, name)
    )
  }
  correct <- match(rows$correct, c("0", "1")) - 1L
  refuse_unless(
    !is.na(correct), function(i) "correct",
    function(i) sprintf("Row %d has correct = \"%s\", and it must be 0 or 1.", i, substr(rows$correct[i], 1L, 20L))
  )
  data.frame(user = rows$user, item = rows$item, correct = correct)
}

# fread guesses, and warns where it leaves something out: here it may not guess, and a warning is a refusal. It is left
# to finish first: one that is broken off makes the next one warn.
parse_csv <- function(bytes) {
  text <- text_of(bytes, "csv")
  complaint <- NULL
  complain <- function(condition) complaint <<- c(complaint, conditionMessage(condition))
  rows <- tryCatch(
    withCallingHandlers(
      data.table::fread(
        text = text, sep = ",", header = TRUE, colClasses = "character", na.strings = NULL, strip.white = FALSE,
        encoding = "UTF-8", fill = FALSE, showProgress = FALSE
      ),
      warning = function(condition) {
        complain(condition)
        invokeRestart("muffleWarning")
      }
    ),
    error = complain
  )
  if (!is.null(complaint)) refuse(sprintf("The CSV cannot be read: %s", sub("\n.*", "", complaint[1L])), "csv")
  if (length(grepRaw("\"\"", bytes, fixed = TRUE)) > 0L) { # fread keeps the doubled quotes of a quoted field
    for (name in names(rows)) rows[[name]] <- gsub("\"\"", "\"", rows[[name]], fixed = TRUE)
  }
  rows
}

# Text as a CSV field: quoted where it has to be.
csv_field <- function(text) {
  special <- grepl("[\",\r\n]", text)
  text[special] <- paste0("\"", gsub("\"", "\"\"", text[special], fixed = TRUE), "\"")
  text
}
