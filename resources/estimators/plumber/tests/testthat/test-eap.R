# The posterior by adaptive quadrature in theta itself: shares nothing with eap() but the response function.
by_quadrature <- function(item, correct, bank, prior, around, within) {
  log_likelihood <- function(theta) {
    above_guessing <- stats::plogis(bank$a[item] * (theta - bank$b[item]))
    p <- bank$c[item] + (1 - bank$c[item]) * above_guessing
    sum(log(ifelse(correct == 1, p, (1 - bank$c[item]) * (1 - above_guessing))))
  }
  peak <- log_likelihood(around)
  density <- function(theta) {
    exp(vapply(theta, log_likelihood, 0) - peak) * stats::dnorm(theta, prior$mean, prior$sd)
  }
  moment <- function(f) {
    stats::integrate(function(x) f(x) * density(x), around - within, around + within, rel.tol = 1e-11)$value
  }
  mean <- moment(identity) / moment(function(x) 1)
  c(mean, sqrt(moment(function(x) (x - mean)^2) / moment(function(x) 1)))
}

test_that("a few answers under a 3PL bank agree with adaptive quadrature", {
  bank <- item_bank(a = c(0.5, 1, 1.7, 2.5), b = c(-1, 0, 0.5, 2), c = c(0, 0.2, 0.25, 0.1))
  for (prior in list(standard_normal, list(mean = 0.5, sd = 2))) {
    correct <- c(1L, 0L, 1L, 1L)
    estimate <- eap(rep(1L, 4L), 1:4, correct, 1L, bank, prior)
    expected <- by_quadrature(1:4, correct, bank, prior, around = prior$mean, within = 8 * prior$sd)
    expect_equal(c(estimate$theta, estimate$se), expected, tolerance = 1e-7)
  }
})

test_that("5,000 answers give a finite estimate, equal to adaptive quadrature", {
  set.seed(1)
  n <- 5000L
  bank <- item_bank(a = stats::rlnorm(n, 0, 0.3), b = stats::rnorm(n))
  correct <- stats::rbinom(n, 1L, stats::plogis(bank$a * (1 - bank$b)))
  estimate <- eap(rep(1L, n), seq_len(n), correct, 1L, bank, standard_normal)
  expected <- by_quadrature(seq_len(n), correct, bank, standard_normal, estimate$theta, 10 * estimate$se)
  expect_equal(c(estimate$theta, estimate$se), expected, tolerance = 1e-6)
  expect_lt(estimate$se, 0.05)
})

test_that("all right and all wrong on hard and easy items are finite and mirror each other", {
  bank <- item_bank(a = rep(2, 400L), b = rep(c(-9, 9), 200L))
  right <- eap(rep(1L, 400L), seq_len(400L), rep(1L, 400L), 1L, bank, standard_normal)
  wrong <- eap(rep(1L, 400L), seq_len(400L), rep(0L, 400L), 1L, bank, standard_normal)
  expect_gt(right$theta, 6)
  expect_equal(right$theta, -wrong$theta, tolerance = 1e-7)
  expect_equal(right$se, wrong$se, tolerance = 1e-7)
})

test_that("an estimate does not depend on who else is in the batch, nor on the order of the rows", {
  set.seed(2)
  bank <- item_bank(a = stats::rlnorm(50L, 0, 0.3), b = stats::rnorm(50L))
  user <- rep(1:9, times = c(1, 3, 10, 30, 100, 300, 900, 2000, 1))
  item <- sample.int(50L, length(user), replace = TRUE)
  correct <- stats::rbinom(length(user), 1L, 0.6)
  together <- eap(user, item, correct, 9L, bank, standard_normal)
  for (one in 1:9) {
    rows <- sample(which(user == one))
    if (sum(user == one) == 1L) rows <- which(user == one)
    alone <- eap(rep(1L, length(rows)), item[rows], correct[rows], 1L, bank, standard_normal)
    expect_equal(c(alone$theta, alone$se), c(together$theta[one], together$se[one]), tolerance = 1e-13)
  }
})

test_that("each of many has the estimate that the own prior gives alone, and agrees with adaptive quadrature", {
  set.seed(4)
  priors <- list(mean = c(0, 1.5, 4, 5, -5, 0.5, 0.5, -1), sd = c(1, 0.2, 1, 0.2, 0.3, 2, 2, 1.01))
  for (guessing in c(0, 0.25)) {
    bank <- item_bank(a = stats::rlnorm(40L, 0, 0.3), b = stats::rnorm(40L), c = rep(guessing, 40L))
    user <- rep(1:8, each = 12L)
    item <- sample.int(40L, length(user), replace = TRUE)
    correct <- stats::rbinom(length(user), 1L, 0.6)
    together <- eap(user, item, correct, 8L, bank, priors)
    for (one in 1:8) {
      rows <- which(user == one)
      prior <- list(mean = priors$mean[one], sd = priors$sd[one])
      alone <- eap(rep(1L, 12L), item[rows], correct[rows], 1L, bank, prior)
      expect_equal(c(together$theta[one], together$se[one]), c(alone$theta, alone$se), tolerance = 1e-13)
      expected <- by_quadrature(item[rows], correct[rows], bank, prior, alone$theta, 10 * alone$se)
      expect_equal(c(alone$theta, alone$se), expected, tolerance = 1e-6)
    }
  }
})

test_that("a mean for each user goes with one SD for all, and one prior for all is that prior for each", {
  bank <- item_bank(a = c(1, 2), b = c(0, 1))
  under <- function(prior) eap(c(1L, 2L, 2L), c(1L, 1L, 2L), c(1L, 0L, 1L), 2L, bank, prior)
  expect_identical(under(list(mean = c(0, 1), sd = 0.5)), under(list(mean = c(0, 1), sd = c(0.5, 0.5))))
  expect_identical(under(list(mean = 0, sd = 2)), under(list(mean = c(0, 0), sd = c(2, 2))))
})

test_that("a density between the points of the half grid is not resolved: no NA", {
  grid <- take_moments(first_grid(standard_normal), 1L, matrix(c(-1e4, 0, -1e4, 0, -1e4), 1L), seq(-1, 1, 0.5))
  expect_identical(grid$resolved, FALSE)
})

test_that("an answer given twice counts twice", {
  bank <- item_bank(a = c(1, 1), b = c(0, 0))
  twice <- eap(c(1L, 1L), c(1L, 1L), c(1L, 1L), 1L, bank, standard_normal)
  two_items <- eap(c(1L, 1L), c(1L, 2L), c(1L, 1L), 1L, bank, standard_normal)
  expect_equal(twice, two_items, tolerance = 1e-14)
})

test_that("rows are portioned without parting a user's", {
  expect_identical(portion_of(rep(1L, 30L), 10), rep(0, 30L))
  expect_identical(portion_of(rep(1:6, each = 4L), 10), rep(c(0, 0, 0, 1, 1, 2), each = 4L))
})

test_that("a posterior that overflows, or that no grid resolves, is refused: never a NaN", {
  overflowing <- item_bank(a = c(1e308, 1e308), b = c(100, -100))
  expect_refused(eap(c(1L, 1L), 1:2, c(1L, 0L), 1L, overflowing, standard_normal), "item_params")
  far_out <- item_bank(a = 1, b = 1e9)
  expect_refused(eap(1L, 1L, 1L, 1L, far_out, list(mean = 0, sd = 1e6)), "item_params")
})
