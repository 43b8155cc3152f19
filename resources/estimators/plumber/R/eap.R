# Expected a posteriori ability: posterior mean and SD under a normal prior, for many users at once and for each as if
# alone. The rule, per user (resources/irt/eap.py is the same in Python, and says why and how exact it is):
#
# 1. 121 equally spaced points, spacing h: from -6 to 6 where |prior mean| <= 4 and prior SD <= 1, else over prior mean
#    +- 6 SD. Density = prior times likelihood, from logarithms less their maximum: products of 5,000 probabilities
#    underflow. m and s are its mean and SD; m' and s' the same from every other point, the first and the last included.
# 2. Done if h <= s, |m' - m| and |s' - s| are at most .001 s, and the density at both ends is at most 1e-7 of its
#    maximum. (Every other point may hold no mass at all; m' does not exist then, and it is not done.)
# 3. Else the same with 241, then 481 points over the same range.
# 4. Else in rounds k = 1 to 8 the same with 120 * 2^(k-1) + 1 points over m +- w, m the last mean. Where an end was
#    above 1e-7, w is twice the last half-width; where not, 8 max(s, h), but not above the last half-width.
#
# Source: Bock & Mislevy (1982), Applied Psychological Measurement 6(4), 431-444.

first_points <- c(121L, 241L, 481L)
own_points <- 120L * 2L^(0:7) + 1L
common_reach <- 6 # the grid of all users with an ordinary prior: whatever it is, one table of curves serves
ordinary_mean <- 4
ordinary_sd <- 1
reach_prior_sds <- 6
negligible <- 1e-7
half_grid <- 1e-3
users_at_once <- 2048L # 8 MB a matrix of users x 481 points
cells_at_once <- 2e6 # 16 MB a matrix of responses x points, or one user's whole history

# `user` (1 to n_users), `item` (row of the bank) and `correct` (0 or 1) have one entry a response; every user has one.
# The prior's `mean` and `sd` have one entry for all users, or one a user. Gives theta and se in logits, one entry a
# user.
eap <- function(user, item, correct, n_users, bank, prior) {
  n_items <- length(bank$a)
  answers <- Matrix::sparseMatrix(
    i = item + n_items * correct, j = user, x = 1, dims = c(2L * n_items, n_users), check = FALSE
  )
  prior <- list(mean = rep_len(prior$mean, n_users), sd = rep_len(prior$sd, n_users))
  grid <- first_grid(prior)
  for (n_points in first_points) {
    for (who in alike(grid)) grid <- on_points(grid, who, n_points, answers, user, item, correct, bank, prior)
  }
  for (n_points in own_points) {
    open <- which(!grid$resolved)
    if (length(open) == 0L) break
    narrower <- pmin(grid$reach[open], 8 * pmax(grid$se[open], grid$spacing[open]))
    grid$reach[open] <- ifelse(grid$at_end[open] > negligible, 2 * grid$reach[open], narrower)
    grid$centre[open] <- grid$theta[open]
    grid <- on_own_points(grid, open, n_points, user, item, correct, bank, prior)
  }
  if (!all(grid$resolved)) {
    refuse("A posterior is too narrow or too far out for any grid: some a, b or prior is too extreme.", "item_params")
  }
  grid[c("theta", "se")]
}

# What is known of each user so far: the range of the points, centre +- reach, and what the last points said.
first_grid <- function(prior) {
  ordinary <- abs(prior$mean) <= ordinary_mean & prior$sd <= ordinary_sd
  unknown <- rep(NA_real_, length(ordinary))
  list(
    centre = ifelse(ordinary, 0, prior$mean), reach = ifelse(ordinary, common_reach, reach_prior_sds * prior$sd),
    theta = unknown, se = unknown, at_end = unknown, spacing = unknown, resolved = logical(length(ordinary))
  )
}

# The users not resolved: those on the common range, as almost all are, apart from the others.
alike <- function(grid) {
  open <- which(!grid$resolved)
  split(open, grid$centre[open] == 0 & grid$reach[open] == common_reach)
}

# Users `who`, on the same points where their ranges are the same.
on_points <- function(grid, who, n_points, answers, user, item, correct, bank, prior) {
  if (all(grid$centre[who] == grid$centre[who[1L]]) && all(grid$reach[who] == grid$reach[who[1L]])) {
    return(on_shared_points(grid, who, n_points, answers, bank, prior))
  }
  on_own_points(grid, who, n_points, user, item, correct, bank, prior)
}

# Users `who` on the same points: one table of log probabilities, and the log-likelihoods are one sparse product.
on_shared_points <- function(grid, who, n_points, answers, bank, prior) {
  offsets <- seq(-1, 1, length.out = n_points)
  theta <- grid$centre[who[1L]] + grid$reach[who[1L]] * offsets
  log_p <- log_probabilities(outer(bank$a, theta) - bank$a * bank$b, bank$c)
  log_p <- rbind(log_p$wrong, log_p$right)
  for (some in split(who, (seq_along(who) - 1L) %/% users_at_once)) {
    log_likelihood <- as.matrix(Matrix::crossprod(answers[, some, drop = FALSE], log_p))
    grid <- take_moments(grid, some, log_likelihood + log_prior(rep(theta, each = length(some)), some, prior), offsets)
  }
  grid
}

# Users `who` each on points of their own, centre +- reach: a row of log probabilities a response, summed by user.
on_own_points <- function(grid, who, n_points, user, item, correct, bank, prior) {
  offsets <- seq(-1, 1, length.out = n_points)
  rows <- which(user %in% who)
  rows <- rows[order(user[rows])]
  for (portion in split(rows, portion_of(user[rows], cells_at_once %/% n_points))) {
    some <- unique(user[portion])
    theta <- grid$centre[some] + outer(grid$reach[some], offsets)
    row <- match(user[portion], some)
    j <- item[portion]
    log_p <- log_probabilities(bank$a[j] * (theta[row, , drop = FALSE] - bank$b[j]), bank$c[j])
    log_p <- correct[portion] * log_p$right + (1L - correct[portion]) * log_p$wrong
    grid <- take_moments(grid, some, rowsum(log_p, row) + log_prior(theta, some, prior), offsets)
  }
  grid
}

# `theta` has an entry a user and point, the users `who` running fastest.
log_prior <- function(theta, who, prior) -0.5 * ((theta - prior$mean[who]) / prior$sd[who])^2

# The number of the portion, of about `size` rows, that each row is worked in: a user's rows stay together. `user` is
# sorted.
portion_of <- function(user, size) {
  starts <- c(TRUE, diff(user) != 0L)
  ((seq_along(user) - 1L) %/% size)[starts][cumsum(starts)]
}

# log P(wrong) and log P(right) at each logit z = a (theta - b); a row of z an item, or a response, and its guessing c.
log_probabilities <- function(z, c) {
  right <- stats::plogis(z, log.p = TRUE)
  wrong <- right - z + log1p(-c) # 1 - plogis(z) = plogis(z) exp(-z)
  guessed <- which(c > 0)
  right[guessed, ] <- log(c[guessed] + (1 - c[guessed]) * exp(right[guessed, ]))
  list(wrong = wrong, right = right)
}

# The grid with what these points say of the users `who`, whose log densities have a row each.
take_moments <- function(grid, who, log_density, offsets) {
  peak <- log_density[cbind(seq_along(who), max.col(log_density, ties.method = "first"))]
  if (!all(is.finite(peak))) {
    refuse("A posterior is not finite: some a, b or prior is too extreme.", "item_params")
  }
  density <- exp(log_density - peak)
  every_other <- seq.int(1L, length(offsets), by = 2L)
  full <- mean_and_sd(density, offsets)
  half <- mean_and_sd(density[, every_other, drop = FALSE], offsets[every_other])
  at_end <- pmax(density[, 1L], density[, length(offsets)])
  spacing <- offsets[2L] - offsets[1L]
  off <- pmax(abs(half$mean - full$mean), abs(half$sd - full$sd))
  grid$theta[who] <- grid$centre[who] + grid$reach[who] * full$mean
  grid$se[who] <- grid$reach[who] * full$sd
  grid$spacing[who] <- grid$reach[who] * spacing
  grid$at_end[who] <- at_end
  grid$resolved[who] <- !is.na(off) & spacing <= full$sd & off <= half_grid * full$sd & at_end <= negligible
  grid
}

# In offsets from the centre, where theta^2 itself would cancel for a narrow posterior far from 0. Not by density %*%
# offsets: BLAS sums in an order that depends on how many users there are.
mean_and_sd <- function(density, offsets) {
  at <- rep(offsets, each = nrow(density))
  mass <- rowSums(density)
  weighted <- density * at
  mean <- rowSums(weighted) / mass
  list(mean = mean, sd = sqrt(pmax(rowSums(weighted * at) / mass - mean^2, 0)))
}
