"""What travels over HTTP: requests and answers of the review desk."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any, Generic, Literal, Optional, TypeVar

from pydantic import BaseModel, ConfigDict, Field, StringConstraints

Item = TypeVar("Item")
Role = Literal["viewer", "reviewer", "curator"]
Number = Annotated[float, Field(allow_inf_nan=False)]
Name = Annotated[str, StringConstraints(min_length=1, max_length=200)]
Note = Annotated[str, StringConstraints(max_length=2000)]
AnnotationId = Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{16}$")]
AnnotationIds = Annotated[list[AnnotationId], Field(min_length=1, max_length=500)]
BoxValues = tuple[Number, Number, Number, Number]
#: Of an annotation: its latest change. Of an individual: what ``Individuals.version`` gives.
Etag = Annotated[str, StringConstraints(min_length=1, max_length=80)]


class Asked(BaseModel):
    """A request's body: a field that is none is refused."""

    model_config = ConfigDict(extra="forbid")


class Problem(BaseModel):
    """An error, by RFC 9457."""

    type: str = "about:blank"
    title: str
    status: int
    detail: str
    errors: Optional[list[dict[str, Any]]] = None


class Page(BaseModel, Generic[Item]):
    """One page of a list; ``next`` is the ``cursor`` of the following one."""

    items: list[Item]
    next: Optional[str] = None
    total: int


class Summary(BaseModel):
    """The catalogue in numbers."""

    photos: int
    annotations: int
    individuals: int
    encounters: int
    unresolved: int
    unsure: int
    second_opinion: int
    jobs: int


class Position(BaseModel):
    """WGS 84 degrees. ``precision_km`` is 0 for what was said, more where it was coarsened."""

    latitude: float
    longitude: float
    precision_km: float


class Annotation(BaseModel):
    """One animal in one photo. The box is in pixels of the upright photo; ``None`` is all of it."""

    id: str
    photo: str
    name: str
    width: int
    height: int
    box: Optional[BoxValues]
    rotation: float
    individual: Optional[str]
    side: str
    encounter: Optional[str]
    species: Optional[str]
    date: Optional[str]
    seen_on: Optional[str]
    taken_at: Optional[str]
    place: Optional[str]
    position: Optional[Position]
    hidden: bool
    review: Optional[str]
    etag: str


_Fact = Annotated[Optional[str], Field(max_length=200)]


class AnnotationFacts(Asked):
    """Facts to correct: only those given change; an empty text or null makes one not known."""

    side: _Fact = None
    encounter: _Fact = None
    species: _Fact = None
    date: _Fact = None
    place: _Fact = None
    box: Optional[BoxValues] = None
    rotation: Optional[Number] = None
    note: Note = ""


class AnnotationPatch(AnnotationFacts):
    """As ``AnnotationFacts``, or ``hidden`` alone."""

    hidden: Optional[bool] = None


class Described(AnnotationFacts):
    """Facts that several annotations share, such as their encounter."""

    annotations: AnnotationIds
    etags: dict[AnnotationId, Etag] = Field(default_factory=dict)


class PhotoFile(BaseModel):
    """A photo as a file."""

    sha256: str
    name: str
    format: str
    bytes: int
    width: int
    height: int
    taken_at: Optional[str]
    annotations: list[Annotation]


class Likeness(BaseModel):
    """A photo of the catalogue that a new one looks like, and who is on it (empty: not known).
    ``bits`` of 256 tell the two apart."""

    photo: str
    name: str
    individual: str
    bits: int


class Added(BaseModel):
    """What became of an uploaded photo. ``like``: what the catalogue had that it is perhaps a
    copy of. ``decision``: of the import that it is part of, null where nothing was changed.
    ``damaged``: what is wrong with the data of a new photo that can be shown all the same."""

    status: Literal["added", "already", "updated", "conflict"]
    photo: Optional[str]
    annotation: Optional[str]
    encounter: Optional[str]
    reason: str
    like: Optional[Likeness] = None
    decision: Optional[int] = None
    damaged: str = ""


Verdict = Literal["known", "new", "undecided"]


class AnswerSummary(BaseModel):
    """The last identification of an encounter, in short. ``photo`` shows ``first`` best."""

    id: int
    verdict: Optional[Verdict]
    first: Optional[str]
    photo: Optional[str]
    probability: Optional[float]
    new_probability: Optional[float]


State = Literal["unresolved", "unsure", "second_opinion", "resolved"]


class Encounter(BaseModel):
    """Photos of one animal on one occasion. ``why`` says why it stands where it does."""

    ref: str
    name: Optional[str]
    annotations: list[Annotation]
    individual: Optional[str]
    seen_on: Optional[str]
    place: Optional[str]
    state: State
    why: str
    answer: Optional[AnswerSummary]


class Question(Asked):
    """Who is it? Of an encounter, or of some annotations of one animal."""

    encounter: Optional[Annotated[str, Field(max_length=220)]] = None
    annotations: Optional[AnnotationIds] = None


class MatchedPhoto(BaseModel):
    """A candidate's photo and which photo asked about looks like it."""

    query: str
    annotation: Annotation
    score: float
    matches: int
    inliers: int


class CandidateAnswer(BaseModel):
    """An individual with its photos, best first."""

    individual: str
    probability: Optional[float]
    score: float
    photos: list[MatchedPhoto]


class Answer(BaseModel):
    """Who it may be, and how that was found."""

    id: int
    at: str
    encounter: str
    annotations: list[str]
    method: str
    fingerprint: str
    effort: str
    verdict: Optional[Verdict]
    new_probability: Optional[float]
    unlisted_probability: Optional[float]
    needed: Optional[float]
    calibration: str
    combined: str = Field(description="how the answers about several photos became one")
    searched: int
    shortlisted: int
    matched: int
    turned: int = Field(0, description="photos looked at with the query turned, each turn counts")
    left_out: Mapping[str, int]
    seconds: float
    candidates: list[CandidateAnswer]
    passed_over: list[CandidateAnswer]


class PairAnswer(BaseModel):
    """Where two photos match, in pixels of both upright photos.

    A line is x and y in the query, x and y in the candidate, the match's score, and 1 where it
    agrees with the geometry. ``transform`` is row-major: candidate ~ transform x query.
    """

    query: Annotation
    candidate: Annotation
    lines: list[tuple[float, float, float, float, float, int]]
    transform: Optional[list[list[float]]]


class NewDecision(Asked):
    """What somebody decides about annotations that they have seen, as their etags say."""

    answer: Literal["individual", "new", "unknown", "unsure", "skip", "second_opinion"]
    annotations: AnnotationIds
    etags: dict[AnnotationId, Etag] = Field(default_factory=dict)
    individual: Optional[Name] = None
    note: Note = ""
    identification: Optional[Annotated[int, Field(ge=1, lt=2**63)]] = None


class Decision(BaseModel):
    """Who said what, when; ``undone`` whether it is taken back now."""

    id: int
    at: str
    actor: str
    kind: str
    note: str
    identification: str
    undoes: Optional[int]
    undone: bool
    annotations: int
    individual: Optional[str]


class Opinion(BaseModel):
    """What somebody says of an annotation."""

    decision: int
    at: str
    actor: str
    individual: str


class Disagreement(BaseModel):
    """An annotation of which people say different things."""

    annotation: Annotation
    opinions: list[Opinion]


class Change(BaseModel):
    """What a decision did to one annotation, or to the notes of an individual."""

    annotation: Optional[str]
    individual: Optional[str]
    before: Optional[dict[str, Any]]
    after: Optional[dict[str, Any]]


class Undo(Asked):
    """Why."""

    note: Note = ""


class Individual(BaseModel):
    """A named animal in numbers. ``cover`` is its largest photo."""

    name: str
    notes: str
    annotations: int
    photos: int
    encounters: int
    sides: dict[str, int]
    first_seen: Optional[str]
    last_seen: Optional[str]
    cover: Optional[str]
    etag: str


class IndividualEncounter(BaseModel):
    """One occasion in an animal's life."""

    ref: str
    name: Optional[str]
    seen_on: Optional[str]
    place: Optional[str]
    annotations: list[str]


class IndividualDetail(Individual):
    """All about a named animal. ``best`` has its largest photo of each side."""

    best: dict[str, str]
    timeline: list[IndividualEncounter]
    shown: list[Annotation]
    decisions: list[Decision]


class IndividualPatch(Asked):
    """A new name, or new notes."""

    name: Name
    new_name: Optional[Name] = None
    notes: Annotated[Optional[str], Field(max_length=10_000)] = None


class Merge(Asked):
    """Two individuals that are one animal. ``preview``: only say what would change."""

    model_config = ConfigDict(extra="forbid", populate_by_name=True)

    from_: Annotated[Name, Field(alias="from")]
    into: Name
    preview: bool = False
    note: Note = ""


class Split(Asked):
    """Photos of an individual that are of another animal."""

    name: Name
    annotations: AnnotationIds
    new_name: Name
    preview: bool = False
    note: Note = ""


class Preview(BaseModel):
    """What a merge or split would make: the individuals as they would be then.

    ``encounters``: of which photos leave a part behind, and what those that leave would be in.
    """

    annotations: list[str]
    individuals: list[Individual]
    encounters: dict[str, str] = Field(default_factory=dict)


class Previewed(BaseModel):
    """A preview; nothing was changed."""

    preview: Preview


class NewJob(Asked):
    """Long work to be done: its kind (prepare, identify, suspicions, …), and what that takes."""

    kind: Annotated[str, Field(max_length=40)]
    arguments: dict[str, Any] = Field(default_factory=dict)


class Job(BaseModel):
    """A piece of long work, as it stands now: ``done`` of ``total`` items of its ``stage``.

    ``message`` is the error of a failed one, or why a queued one waits.
    """

    id: int
    kind: str
    arguments: dict[str, Any]
    state: Literal["queued", "running", "done", "failed", "cancelled"]
    stage: str
    done: int
    total: int
    message: str
    actor: str
    created_at: str
    started_at: Optional[str]
    ended_at: Optional[str]
    result: Optional[dict[str, Any]]
