# The HTTP face: routes, and around each request its id, its answer to an error and its one line in the log.

routes <- list(
  "/healthz" = "GET", "/irt/score" = "POST", "/irt/score/batch" = "POST", "/irt/calibrate" = "POST"
)

# What httpuv serves. `calibration` makes an answer of the body of a request, or promises one; `log` takes one line of
# text.
service <- function(calibration, tokens = NULL, max_body_bytes = 64 * 2^20, log = log_line) {
  router <- irt_router(calibration)
  answered <- function(request, answer, started) {
    id <- request_id(request)
    answer$headers[["X-Request-Id"]] <- id
    log(write_json(without_nulls(list(
      at = timestamp_utc(), request_id = id, method = request$REQUEST_METHOD, path = request$PATH_INFO,
      status = answer$status, ms = round(1000 * (now_s() - started), 1), bytes = size_of(request),
      error = request$error_for_log
    ))))
    answer
  }
  list(
    onHeaders = function(request) {
      refused <- admit(request, tokens, max_body_bytes)
      if (!is.null(refused)) answered(request, refused, now_s())
    },
    call = function(request) {
      started <- now_s()
      answer <- router$call(request)
      if (!promises::is.promising(answer)) return(answered(request, answer, started))
      promises::then(answer, function(answer) answered(request, answer, started))
    },
    onWSOpen = function(socket) socket$close()
  )
}

irt_router <- function(calibration) {
  json <- plumber::serializer_content_type(json_mime, write_json)
  csv <- plumber::serializer_content_type(csv_mime, identity)
  on_error <- function(req, res, error) {
    res$serializer <- json
    if (inherits(error, "refusal")) {
      res$status <- error$status
      return(error_body(error$code, error$message, error$field))
    }
    req$error_for_log <- conditionMessage(error)
    res$status <- 500L
    error_body("internal", "The service failed on this request. Its log says why, under this X-Request-Id.")
  }
  not_found <- function(req, res) {
    method <- routes[[req$PATH_INFO]]
    res$status <- if (is.null(method)) 404L else 405L
    if (is.null(method)) return(error_body("not_found", "There is nothing at this path."))
    res$setHeader("Allow", method)
    error_body("method_not_allowed", sprintf("This path takes %s.", method))
  }
  options(plumber.methodNotAllowed = FALSE) # plumber's own 405 has another form
  router <- plumber::pr()
  router <- plumber::pr_set_error(plumber::pr_set_404(router, not_found), on_error)
  router <- plumber::pr_set_parsers(router, character()) # none: a handler reads req$bodyRaw whatever its Content-Type
  router <- plumber::pr_set_serializer(router, json)
  state <- health() # once: looking up a package's version takes 20 ms
  router <- plumber::pr_get(router, "/healthz", function() state)
  router <- plumber::pr_post(router, "/irt/score", function(req) score_one(req$bodyRaw))
  router <- plumber::pr_post(router, "/irt/score/batch", function(req) score_batch(req$bodyRaw), serializer = csv)
  plumber::pr_post(router, "/irt/calibrate", function(req) calibration(req$bodyRaw))
}

health <- function() {
  version_of <- function(package) {
    if (nzchar(system.file(package = package))) as.character(utils::packageVersion(package))
  }
  list(
    status = "ok", service = "r-irt-plumber", pid = Sys.getpid(), r = as.character(getRversion()),
    plumber = version_of("plumber"), mirt = version_of("mirt")
  )
}

log_line <- function(line) cat(line, "\n", sep = "", file = stderr())

now_s <- function() as.numeric(Sys.time())

timestamp_utc <- function() format(Sys.time(), "%Y-%m-%dT%H:%M:%OS3Z", tz = "UTC")

size_of <- function(request) {
  if (is.null(request$CONTENT_LENGTH)) 0 else suppressWarnings(as.numeric(request$CONTENT_LENGTH))
}
