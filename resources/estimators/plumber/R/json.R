# JSON in and out. In: strict, and never taken for a file name or an address. Out: doubles with all their 17 digits,
# where jsonlite stops at 15.

json_mime <- "application/json"

read_json <- function(text, field = "body") {
  value <- tryCatch(
    jsonlite::parse_json(text, simplifyVector = FALSE),
    error = function(broken) {
      reason <- trimws(strsplit(conditionMessage(broken), "\n", fixed = TRUE)[[1L]][1L])
      refuse(sprintf("%s is not JSON: %s", field, reason), field, "bad_json")
    }
  )
  if (!is_object(value)) refuse(sprintf("%s must be a JSON object.", field), field, "bad_json")
  value
}

write_json <- function(value) {
  as.character(jsonlite::toJSON(value, auto_unbox = TRUE, json_verbatim = TRUE, null = "null"))
}

# One double as a JSON number that reads back as the same double.
exact <- function(x) structure(sprintf("%.17g", x), class = "json")

text_of <- function(bytes, field = "body") {
  if (length(bytes) == 0L) refuse(sprintf("%s is empty.", field), field)
  text <- tryCatch(rawToChar(bytes), error = function(nul) refuse(sprintf("%s holds a NUL byte.", field), field))
  if (!validUTF8(text)) refuse(sprintf("%s is not UTF-8.", field), field)
  Encoding(text) <- "UTF-8"
  text
}

without_nulls <- function(x) x[!vapply(x, is.null, NA)]

is_object <- function(x) is.list(x) && !is.null(names(x))

is_number <- function(x) is.numeric(x) && length(x) == 1L && is.finite(x)

is_flag <- function(x) is.logical(x) && length(x) == 1L && !is.na(x)

# An id is a string, or a whole number that a double holds exactly; NA for anything else.
as_id <- function(x) {
  if (is.character(x) && length(x) == 1L && nzchar(x)) return(x)
  if (is_number(x) && x == round(x) && abs(x) < 2^53) return(sprintf("%.0f", x))
  NA_character_
}
