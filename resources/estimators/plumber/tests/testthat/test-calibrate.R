# mirt is in none of Debian's packages: what surrounds it is tested, and its one call where it is installed.
request <- function(model, ...) bytes("{\"model\": \"", model, "\"}\nuser,item,correct\n", ...)

rows <- "u,x,1\nu,y,0\nv,x,0\nv,y,1\nw,y,1\n"

test_that("mirt sees users x items, with NA for what was not answered", {
  seen <- NULL
  fit <- function(answers, model) {
    seen <<- list(answers = answers, model = model)
    items <- matrix(c(1, 2, 0.5, -0.5, 0.1, 0.2), 2L, dimnames = list(c("x", "y"), c("a", "b", "g")))
    list(items = items, converged = TRUE, log_likelihood = -3)
  }
  answer <- calibrate(request("3PL", rows), fit)
  expect_identical(seen$model, "3PL")
  expect_identical(seen$answers, matrix(c(1L, 0L, NA, 0L, 1L, 1L), 3L, dimnames = list(NULL, c("x", "y"))))
  expect_identical(answer[c("n_users", "n_responses")], list(n_users = 3L, n_responses = 5L))
  parameters <- jsonlite::parse_json(write_json(answer))$item_params
  expect_equal(parameters, list(x = list(a = 1, b = 0.5, c = 0.1), y = list(a = 2, b = -0.5, c = 0.2)))
  expect_identical(read_bank(parameters)$model, "3PL")
})

test_that("a fit that did not converge is 422, not a bank", {
  fit <- function(answers, model) list(converged = FALSE)
  expect_refused(calibrate(request("2PL", rows), fit), NULL, 422L)
})

test_that("what cannot be calibrated is refused before mirt is asked", {
  never <- function(answers, model) stop("was asked")
  expect_refused(calibrate(request("Rasch", rows), never), "model")
  expect_refused(calibrate(bytes("{}\nuser,item,correct\n", rows), never), "model")
  expect_refused(calibrate(request("2PL", rows, "u,x,1\n"), never), "user")
  expect_refused(calibrate(request("2PL", rows, "u,z,1\n"), never), "item")
})

test_that("without mirt the answer is 501", {
  skip_if(requireNamespace("mirt", quietly = TRUE), "mirt is installed")
  expect_refused(calibrate(request("2PL", rows)), NULL, 501L)
})

test_that("mirt finds the parameters that made the answers", {
  skip_if_not_installed("mirt")
  set.seed(3)
  truth <- list(a = c(0.8, 1, 1.2, 1.5, 2), b = c(-1, -0.5, 0, 0.5, 1))
  theta <- stats::rnorm(2000L)
  p <- stats::plogis(outer(theta, seq_along(truth$a), function(t, j) truth$a[j] * (t - truth$b[j])))
  long <- expand.grid(user = seq_along(theta), item = seq_along(truth$a))
  long$correct <- stats::rbinom(nrow(long), 1L, p)
  answer <- calibrate(request("2PL", paste(long$user, long$item, long$correct, sep = ",", collapse = "\n"), "\n"))
  bank <- read_bank(jsonlite::parse_json(write_json(answer))$item_params)
  expect_lt(max(abs(bank$a - truth$a)), 0.4)
  expect_lt(max(abs(bank$b - truth$b)), 0.3)
})
