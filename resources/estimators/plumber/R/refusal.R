# What the service says when it will not answer: a condition that carries the HTTP status, a code for programs, the
# field at fault and a sentence for people. Everything else that stops a request is a defect of the service (500).

refuse <- function(message, field = NULL, code = "bad_input", status = 400L) {
  stop(refusal(message, field, code, status))
}

refusal <- function(message, field, code, status) {
  structure(
    list(message = message, call = NULL, field = field, code = code, status = status),
    class = c("refusal", "error", "condition")
  )
}

# Refuses at the first element that is not `usable`; `field` and `message` are made for that element only.
refuse_unless <- function(usable, field, message) {
  at <- which(!usable)
  if (length(at) > 0L) refuse(message(at[1L]), field(at[1L]))
}

error_body <- function(code, message, field = NULL) {
  without_nulls(list(status = "error", code = code, field = field, message = message))
}
