"""How a source's file says that it was published with replicate weights, in the place of strata and PSUs, or with imputations."""

from typing import Literal

from pydantic import BaseModel, ConfigDict, Field, model_validator

from pipelines.machine.faults import fault_at

ReplicateMethod = Literal["brr", "fay", "jk1", "jkn", "bootstrap", "successive_difference", "other"]


class Replication(BaseModel):
    """`replicate_weights` of a survey's file, checked. How many there are is told by its respondents."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)

    method: ReplicateMethod
    centre: Literal["estimate", "mean"] = Field(
        description="What replicates scatter about: the estimate of the whole sample (mse = TRUE in R) or their mean (FALSE)."
    )
    fay_rho: float | None = Field(None, gt=0, lt=1)
    scale: float | None = Field(None, gt=0, allow_inf_nan=False)
    rscales: list[float] | None = Field(None, min_length=2, description="A number for each replicate, by which it counts.")
    degrees_freedom: int | None = Field(None, ge=1, description="What the survey documents; those of an estimate are never more.")

    @model_validator(mode="after")
    def _numbers_belong_to_the_method(self) -> "Replication":
        if (self.method == "fay") != (self.fay_rho is not None):
            raise fault_at(["fay_rho"], "belongs to method: fay, which needs it: the part of the weight that a replicate keeps")
        if self.scale is not None and self.method in {"brr", "fay", "successive_difference"}:
            message = f"{self.method} has a scale of its own: leave it out, or write method: other where another is documented"
            raise fault_at(["scale"], message)
        if self.rscales is not None and self.method not in {"jkn", "bootstrap", "other"}:
            raise fault_at(["rscales"], f"belongs to jkn, bootstrap or other; {self.method} counts every replicate alike")
        if self.method == "jkn" and self.rscales is None:
            message = "must be given for jkn: of each replicate, (n - 1) / n with the n PSUs of the stratum that loses one"
            raise fault_at(["rscales"], message)
        if self.method == "other" and self.scale is None:
            raise fault_at(["scale"], "must be given for method: other, as the survey documents it")
        if self.rscales is not None and not (min(self.rscales) >= 0 and max(self.rscales) < float("inf")):
            raise fault_at(["rscales"], "must be finite and not below 0")
        return self

    @property
    def words(self) -> str:
        """As a row names it."""
        rho = "" if self.fay_rho is None else f", rho {self.fay_rho:g}"
        about = "the estimate" if self.centre == "estimate" else "their mean"
        return f"replicate weights ({self.method}{rho}), scattered about {about}"

    @property
    def degrees_freedom_rule(self) -> str:
        """How their degrees of freedom are counted."""
        most = "" if self.degrees_freedom is None else f", at most {self.degrees_freedom}"
        return f"rank of the replicate weights - 1{most}"


class Imputation(BaseModel):
    """`imputed` of a source's file, checked: the variables that were filled in several times."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)

    imputations: int = Field(ge=2, description="How many values each of them has for a respondent.")
    variables: list[str] = Field(min_length=1, description="Columns of the respondents; each has its list in <variable>_imputed.")

    @property
    def words(self) -> str:
        """As a row that needs them names it."""
        return f"pooled over {self.imputations} imputations by Rubin's rules, with the counts of people of the first"
