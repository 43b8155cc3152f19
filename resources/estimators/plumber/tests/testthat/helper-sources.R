for (part in list.files(testthat::test_path("..", "..", "R"), pattern = "[.]R$", full.names = TRUE)) {
  source(part, encoding = "UTF-8")
}

bytes <- function(...) charToRaw(paste0(...))

expect_refused <- function(code, field, status = 400L) {
  caught <- tryCatch(
    {
      force(code)
      NULL
    },
    refusal = identity
  )
  testthat::expect_s3_class(caught, "refusal")
  testthat::expect_identical(caught$field, field)
  testthat::expect_identical(caught$status, status)
}

item_bank <- function(a, b, c = 0 * a) list(id = as.character(seq_along(a)), a = a, b = b, c = c, model = "2PL")

standard_normal <- list(mean = 0, sd = 1)

# The answers of `n` learners, N(0, 1), to every item, named by `b`, of slope `a`: the same at each call.
exam <- function(n, b = c(x = -1, y = 0, z = 1), a = 1.5) {
  set.seed(3L)
  theta <- stats::rnorm(n)
  rows <- expand.grid(user = seq_len(n), item = names(b), stringsAsFactors = FALSE)
  rows$correct <- stats::rbinom(nrow(rows), 1L, stats::plogis(a * (theta[rows$user] - b[rows$item])))
  rows
}
