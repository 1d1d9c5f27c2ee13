import marimo

app = marimo.App(width="medium", app_title="Exploring a release")


@app.cell
def _(mo):
    mo.md(
        """
        # Exploring a release

        Questions about the people of a published release, asked in Python. The answers are those of SQL and of `cramp-atlas ask`,
        by the estimators of the night; here about the synthetic survey, which the first refresh makes.
        """
    )
    return


@app.cell
def _():
    import marimo as mo

    from pipelines import ask

    source = "synthetic_survey"
    return source, ask, mo


@app.cell
def _(source, ask):
    by_age = ask.prevalence("has_cramps", by="age_band", where="age_years >= 20", source=source)
    by_age.frame.select("age_band", "n_respondents", "prevalence", "prevalence_lower", "prevalence_upper", "presentation")
    return (by_age,)


@app.cell
def _(by_age):
    by_age.chart()
    return


@app.cell
def _(mo):
    mo.md("""Does it rise with age in women and men alike? The odds ratio is from one age band to the next.""")
    return


@app.cell
def _(source, ask):
    ask.trend("has_cramps", by="sex", where="age_years >= 20", source=source).frame.select(
        "sex", "odds_ratio", "odds_ratio_lower", "odds_ratio_upper", "p_value"
    )
    return


@app.cell
def _(mo):
    mo.md("""People who take a statin are older. What is left if both groups have the ages and the sex of all?""")
    return


@app.cell
def _(source, ask):
    adjusted = ask.prevalence("has_cramps", by="takes_statin", adjust="age_band, sex", where="age_years >= 20", source=source)
    adjusted.frame.select("takes_statin", "n_respondents", "n_cases", "prevalence", "prevalence_lower", "prevalence_upper")
    return


@app.cell
def _(source, ask):
    difference = ask.risk_difference("has_cramps", "takes_statin", adjust="age_band, sex", where="age_years >= 20", source=source)
    difference.frame.select("prevalence_difference", "prevalence_difference_lower", "prevalence_difference_upper", "p_value")
    return


@app.cell
def _(mo):
    mo.md("""The same in women and in men, from one model with an interaction:""")
    return


@app.cell
def _(source, ask):
    within = ask.odds_ratio(
        "has_cramps", "takes_diuretic", adjust="age_band", interaction="sex", where="age_years >= 20", source=source
    )
    within.chart()
    return (within,)


@app.cell
def _(within):
    within.frame.select("sex", "odds_ratio", "odds_ratio_lower", "odds_ratio_upper", "interaction_p_value")
    return


@app.cell
def _(mo):
    mo.md("""A question that is worth asking every night goes into `study.yaml`:""")
    return


@app.cell
def _(source, ask, mo):
    nightly = ask.odds_ratio(
        "has_cramps", "takes_diuretic", adjust="age_band, sex, race_ethnicity", where="age_years >= 50", source=source
    )
    mo.md(f"```yaml\n{nightly.study_lines()}\n```")
    return


if __name__ == "__main__":
    app.run()
