"""Random-effects meta-analysis against R 4.2.2: metafor 3.8-1 on 13 BCG trials (`data/out_bcg.txt`), base R (`out_meta.csv`).

metafor finds Paule and Mandel's tau² and the Q-profile limits by uniroot() with its default tolerance of 1.2e-4, so that its
printed digits beyond the fourth are those of the search. `make_meta.R` repeats that search, equal to every printed digit, and
then finds the same roots to 1e-14; ours are compared with the latter.
"""

import math
from typing import Any

import numpy as np
import pytest

from pipelines.statistics import InvalidArgument, MetaAnalysis, asymmetry_p, meta_analysis
from pipelines.statistics.heterogeneity import TauMethod, typical_variance
from tests.golden.reference import DATA, assert_close, reference

TOLERANCE = 1e-8
METHODS: dict[str, TauMethod] = {
    "DL": "dersimonian_laird",
    "PM": "paule_mandel",
    "REML": "restricted_likelihood",
    "EE": "equal_effect",
}
VACCINATED = (
    [4, 6, 3, 62, 33, 180, 8, 505, 29, 17, 186, 5, 27],
    [119, 300, 228, 13536, 5036, 1361, 2537, 87886, 7470, 1699, 50448, 2493, 16886],
)
CONTROLS = (
    [11, 29, 11, 248, 47, 372, 10, 499, 45, 65, 141, 3, 29],
    [128, 274, 209, 12619, 5761, 1079, 619, 87892, 7232, 1600, 27197, 2338, 17825],
)
SETS: dict[str, tuple[list[float], list[float]]] = {
    "two_alike": ([0.1, 0.3], [0.2, 0.1]),
    "two_apart": ([0.1, 3], [0.02, 0.1]),
    "five_alike": ([0.50, 0.52, 0.49, 0.51, 0.50], [0.04, 0.05, 0.03, 0.06, 0.04]),
    "six": ([-0.2, 0.4, 1.1, 0.3, 0.9, 0.05], [0.09, 0.03, 0.20, 0.015, 0.11, 0.06]),
    "four_tiny": ([1e-5, 3e-5, -2e-5, 6e-5], [1e-10, 4e-10, 2e-10, 3e-10]),
}


def bcg() -> tuple[list[float], list[float]]:
    """Log risk ratios of tuberculosis and their variances."""
    a, b, c, d = (np.asarray(counts, dtype=float) for counts in (*VACCINATED, *CONTROLS))
    return list(np.log(a / (a + b) / (c / (c + d)))), list(1 / a - 1 / (a + b) + 1 / c - 1 / (c + d))


SETS["bcg"] = bcg()


def printed(method: str, test: str) -> dict[str, list[float]]:
    """The numbers of a line of out_bcg.txt by the name before them."""
    line = next(text for text in (DATA / "out_bcg.txt").read_text().splitlines() if text.startswith(f"{method} {test} "))
    found: dict[str, list[float]] = {}
    name = ""
    for word in line.split()[2:]:
        if word[0].isalpha():
            name = word
            found[name] = []
        else:
            found[name].append(float(word))
    return found


def base_r(data: str) -> dict[str, float]:
    return {row["name"]: row["value"] for row in reference("out_meta") if row["set"] == data}


@pytest.mark.parametrize("method", ["DL", "REML", "EE"])
def test_every_value_of_metafor(method: str) -> None:
    found, z = meta_analysis(*bcg(), tau_method=METHODS[method]), printed(method, "z")
    assert found.heterogeneity is not None
    values = {
        "mu": found.estimate,
        "se": found.se,
        "tau2": found.heterogeneity.tau_squared,
        "I2": 100 * found.heterogeneity.i_squared,
        "H2": found.heterogeneity.h_squared,
        "Q": found.heterogeneity.q,
        "p": found.heterogeneity.q_p,
    }
    for name, value in values.items():
        assert_close(value, z[name][0], TOLERANCE, name)
    assert_limits(found.normal, z["ci"], "normal interval")
    if method == "EE":
        assert (found.hksj, found.prediction, found.prediction_normal, z["pi"]) == (None, None, None, [])
        return
    knha = printed(method, "knha")
    assert_close(found.hksj_se, knha["se"][0], TOLERANCE, "standard error of HKSJ")
    assert_limits(found.hksj, knha["ci"], "interval of HKSJ")
    assert_limits(found.prediction_normal, z["pi"], "prediction, normal")
    assert_limits(found.prediction_hksj, knha["pi"], "prediction, HKSJ")


def test_prediction_intervals_of_higgins_thompson_and_spiegelhalter() -> None:
    words = next(text for text in (DATA / "out_bcg.txt").read_text().splitlines() if text.startswith("HTS")).split()
    found = meta_analysis(*bcg())
    assert_limits(found.prediction, [float(word) for word in words[3:5]], "t(k - 2)")
    assert_limits(found.prediction_k_minus_1, [float(word) for word in words[6:8]], "t(k - 1)")


def test_asymmetry_is_regtest() -> None:
    expected = next(text for text in (DATA / "out_bcg.txt").read_text().splitlines() if text.startswith("[1]"))
    assert_close(asymmetry_p(*bcg()), float(expected.split()[1]), TOLERANCE, "p of Egger's test")


def test_what_metafor_prints_of_a_root_is_where_its_search_stops() -> None:
    """Nothing but the tolerance of the search lies between its Paule-Mandel and Q-profile values and the exact ones."""
    stopped, typical = base_r("bcg"), typical_variance(np.asarray(bcg()[1]))
    assert_close(stopped["paule_mandel_uniroot_default"], printed("PM", "z")["tau2"][0], TOLERANCE, "Paule-Mandel")
    lines = (DATA / "out_bcg.txt").read_text().splitlines()
    shown = {
        line.split()[0]: [float(word) for word in line.split()[2:]] for line in lines if line.startswith(("tau", "I^2", "H^2"))
    }
    for limit, index in (("lower", 0), ("upper", 1)):
        tau_squared = stopped[f"tau_squared_{limit}_uniroot_default"]
        assert_close(tau_squared, shown["tau^2"][index], TOLERANCE, limit)
        assert_close(math.sqrt(tau_squared), shown["tau"][index], TOLERANCE, limit)
        assert_close(100 * tau_squared / (tau_squared + typical), shown["I^2(%)"][index], TOLERANCE, limit)
        assert_close(tau_squared / typical + 1, shown["H^2"][index], TOLERANCE, limit)


@pytest.mark.parametrize("data", list(SETS))
def test_small_sets_equal_base_r(data: str) -> None:
    expected, found = base_r(data), meta_analysis(*SETS[data])
    paule_mandel = meta_analysis(*SETS[data], tau_method="paule_mandel").heterogeneity
    assert found.heterogeneity is not None
    assert paule_mandel is not None
    assert_close(paule_mandel.tau_squared, expected["paule_mandel"], TOLERANCE, "Paule-Mandel")
    for name in ("tau_squared", "tau_squared_upper"):
        assert_close(getattr(found.heterogeneity, name), expected.get(name), TOLERANCE, name)
    if "tau_squared_upper" in expected:
        assert_close(found.heterogeneity.tau_squared_lower, expected["tau_squared_lower"], TOLERANCE, "lower limit of tau²")
    for name in ("estimate", "se", "hksj_se"):
        assert_close(getattr(found, name), expected[name], TOLERANCE, name)
    for name in ("normal", "hksj", "prediction", "prediction_k_minus_1"):
        limits = [expected[f"{name}_{side}"] for side in ("lower", "upper")] if f"{name}_lower" in expected else None
        assert_limits(getattr(found, name), limits, name)


@pytest.mark.parametrize(
    ("data", "reported"), [("five_alike", "normal"), ("six", "hksj"), ("two_alike", "hksj"), ("bcg", "hksj")]
)
def test_the_reported_interval_is_never_narrower_than_the_normal_one(data: str, reported: str) -> None:
    found, expected = meta_analysis(*SETS[data]), base_r(data)
    assert found.reported_by == {"normal": "normal", "hksj": "hartung_knapp_sidik_jonkman"}[reported]
    assert_limits(found.reported, [expected[f"{reported}_lower"], expected[f"{reported}_upper"]], "reported interval")


def test_studies_that_agree_too_well_have_no_q_profile_interval() -> None:
    found = meta_analysis(*SETS["five_alike"]).heterogeneity
    assert found is not None
    assert (found.tau_squared_lower, found.tau_squared_upper, found.i_squared_lower, found.i_squared_upper) == (None,) * 4


def test_one_study_is_its_own_estimate() -> None:
    found: MetaAnalysis = meta_analysis([0.4], [0.04])
    assert (found.n_studies, found.estimate, found.reported_by) == (1, 0.4, "normal")
    assert_close(found.se, 0.2, 1e-15, "standard error")
    assert (found.hksj, found.prediction, found.prediction_k_minus_1, found.prediction_normal, found.heterogeneity) == (None,) * 5


def test_asymmetry_needs_three_studies_of_different_size() -> None:
    assert asymmetry_p([0.1, 0.2], [0.1, 0.3]) is None
    assert asymmetry_p([0.1, 0.2, 0.3], [0.1, 0.1, 0.1]) is None


@pytest.mark.parametrize(
    ("estimates", "variances"),
    [([], []), ([1.0], [0.0]), ([1.0, 2.0], [1.0]), ([math.nan], [1.0]), ([1.0], [math.inf]), ([1.0], [-1.0])],
)
def test_studies_without_estimate_or_variance_are_refused(estimates: list[float], variances: list[float]) -> None:
    with pytest.raises(InvalidArgument):
        meta_analysis(estimates, variances)
    with pytest.raises(InvalidArgument):
        asymmetry_p(estimates, variances)


def test_an_unknown_method_is_refused() -> None:
    unknown: Any = "guess"
    with pytest.raises(InvalidArgument, match="tau_method must be one of"):
        meta_analysis([1.0], [1.0], tau_method=unknown)


def assert_limits(found: Any, expected: list[float] | None, what: str) -> None:
    if expected is None:
        assert found is None, what
        return
    assert found is not None, what
    assert_close(found.lower, expected[0], TOLERANCE, f"lower limit, {what}")
    assert_close(found.upper, expected[1], TOLERANCE, f"upper limit, {what}")
