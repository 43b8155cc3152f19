# Who and what comes in, decided on the headers alone: the body of a request that is refused here is never read.

# NULL to let the request through, or the answer to it. Any of `tokens` opens; NULL where none is asked for.
admit <- function(request, tokens, max_body_bytes) {
  if (!identical(request$PATH_INFO, "/healthz") && !is.null(tokens) && !bears(request, tokens)) {
    return(refusal_answer("unauthorized", "The header Authorization: Bearer holds no token of this service.", 401L))
  }
  if (!is.null(request$HTTP_TRANSFER_ENCODING)) {
    return(refusal_answer("length_required", "Send Content-Length: a chunked body is not read.", 411L))
  }
  size <- suppressWarnings(as.numeric(request$CONTENT_LENGTH))
  if (length(size) == 1L && !isTRUE(size <= max_body_bytes)) {
    message <- sprintf("The body is over %.0f bytes: send less at once.", max_body_bytes)
    return(refusal_answer("too_large", message, 413L))
  }
  NULL
}

# Digests are compared, all bytes of all of them: the time it takes tells nothing of a token, not even its length.
bears <- function(request, tokens) {
  header <- paste0(request$HTTP_AUTHORIZATION, "")
  given <- if (grepl("^[Bb]earer ", header)) substring(header, 8L) else ""
  digests <- lapply(c(given, tokens), function(text) as.integer(sodium::sha256(charToRaw(text))))
  differences <- vapply(digests[-1L], function(digest) sum(bitwXor(digests[[1L]], digest)), numeric(1L))
  any(differences == 0)
}

refusal_answer <- function(code, message, status) {
  list(status = status, headers = list(`Content-Type` = json_mime), body = write_json(error_body(code, message)))
}

# The caller's X-Request-Id where it is fit for a log line, else a new one.
request_id <- function(request) {
  given <- request$HTTP_X_REQUEST_ID
  # {1,128} in the pattern would take longer than all else that a request needs: it is unrolled anew each time.
  if (length(given) == 1L && nchar(given, "bytes") <= 128L && grepl("^[A-Za-z0-9._:-]+$", given)) return(given)
  paste(sprintf("%02x", sample.int(256L, 16L, replace = TRUE) - 1L), collapse = "")
}
