headers <- function(path = "/irt/score", ...) list(PATH_INFO = path, ...)

test_that("the token is asked for everywhere but at /healthz, and only where there is one", {
  expect_null(admit(headers(), NULL, 100))
  expect_null(admit(headers("/healthz"), "secret", 100))
  expect_null(admit(headers(HTTP_AUTHORIZATION = "Bearer secret"), "secret", 100))
  for (given in list(NULL, "", "Bearer ", "secret", "Bearer Secret", "Bearer secret2", "Basic secret", "secret ")) {
    expect_identical(admit(headers(HTTP_AUTHORIZATION = given), "secret", 100)$status, 401L)
  }
})

test_that("while a token is being changed both open, and nothing else does", {
  for (given in c("old", "new")) {
    expect_null(admit(headers(HTTP_AUTHORIZATION = paste("Bearer", given)), c("new", "old"), 100))
  }
  expect_identical(admit(headers(HTTP_AUTHORIZATION = "Bearer new,old"), c("new", "old"), 100)$status, 401L)
})

test_that("a body over the limit, or of unknown length, is refused before it is read", {
  expect_null(admit(headers(CONTENT_LENGTH = "100"), NULL, 100))
  expect_identical(admit(headers(CONTENT_LENGTH = "101"), NULL, 100)$status, 413L)
  expect_identical(admit(headers(CONTENT_LENGTH = "many"), NULL, 100)$status, 413L)
  expect_identical(admit(headers(HTTP_TRANSFER_ENCODING = "chunked"), NULL, 100)$status, 411L)
})

test_that("a request id that could forge a log line is replaced", {
  expect_identical(request_id(headers(HTTP_X_REQUEST_ID = "a-1:b_2.c")), "a-1:b_2.c")
  for (given in list(NULL, "", "a b", "a\nb", "\"}", strrep("a", 129L))) {
    expect_match(request_id(headers(HTTP_X_REQUEST_ID = given)), "^[0-9a-f]{32}$")
  }
})
