"""How each figure is read, in plain words, for a page."""

from __future__ import annotations

from typing import Final

READ_MAPS: Final = (
    "Each cell is the share of its attention that one frame (row) gives another (column); the brighter, the "
    "more. Left the text-to-video (T2V) model, in the middle the image-to-video (I2V) model tuned from it, "
    "for the same prompts, noise and settings; right their difference. The outlined column is the reference "
    "frame, the image the video starts from; frames are those of the model's latent space, each worth several"
    " of the video."
)
READ_DIFFERENCE: Final = (
    "The difference of the two maps alone, larger: red where the I2V model looks more than the T2V model, "
    "blue where it looks less. An excess on the reference frame is a red outlined column."
)
READ_STEPS: Final = (
    "A video is made in steps, from noise on the left to the video on the right. Each line is how much "
    "generated frames look at the reference frame in each step. Early steps decide what moves where."
)
READ_HEADS: Final = (
    "Attention is computed by many heads in every layer. Each cell is one of them: how much more it looks at "
    "the reference frame in the I2V model than in the T2V model."
)
READ_CLUSTERS: Final = (
    " Heads that behave alike are one cluster; the thick line surrounds the cluster with the largest excess."
)
"""Follows the above where clusters are drawn."""
READ_PROFILE: Final = (
    "Left, what a generated frame gives another generated frame, by how far apart they are in time: 0 is "
    "itself. Right, on the same scale, what it gives the reference frame."
)
READ_REFERENCE: Final = (
    "λ is the strength of the intervention: above 0 it weakens attention on the reference frame, below 0 it "
    "strengthens it. Each point is what then is left of that attention in the early steps; the orange line is "
    "the level of the T2V model."
)
READ_DISTANCE: Final = (
    "λ is the strength of the intervention: above 0 it weakens attention on the reference frame, below 0 it "
    "strengthens it. The curve says how far the I2V model's attention then is from the T2V model's: 0 is "
    "equal, lower is closer."
)
READ_MINIMUM: Final = (
    " The line is a smooth curve through the points; the shaded band is where its minimum lies, given other samples."
)
"""Follows the above where the fitted curve is drawn."""
READ_DIRECT: Final = (
    " The dashed curve is the direct effect alone: what λ does to attention before the model reacts to the "
    "changed output."
)
"""Follows where the curve of the direct effect is drawn."""
READ_MOTION_AND_QUALITY: Final = (
    "Two metrics of the same videos over the same λ: motion above, quality below, each with the level of the "
    "T2V model. A λ is good where motion has risen and quality has not yet fallen."
)
READ_METRIC: Final = (
    "Each point is the I2V model at one λ, a mean over samples with its standard error; the orange line and "
    "band are the level of the T2V model on the same samples."
)
READ_CHANGES: Final = (
    "Each line is one condition: how much it changes the metric against the untouched I2V model, each sample "
    "compared with itself. A bar that does not cross zero is a change that two standard errors do not explain."
)
READ_STRIP: Final = (
    "Videos of one prompt, all from the same noise, time from left to right. Below T2V, λ rises from row to "
    "row: the reference frame counts for less and less; other methods and controls come last. A row that "
    "repeats its first picture is a video that stands still."
)
READ_PAIR: Final = (
    "Videos of one prompt, both from the same noise, time from left to right. A row that repeats its first "
    "picture is a video that stands still."
)
READ_SLICE: Final = {
    "y": (
        "One row of pixels of every frame, laid under each other: time runs down. A thing that moves along "
        "the row draws a slanted line, one that stands still an upright one."
    ),
    "x": (
        "One column of pixels of every frame, laid beside each other: time runs to the right. A thing that "
        "moves along the column draws a slanted line, one that stands still a level one."
    ),
}
"""By the dim of the line: ``y`` for a row, ``x`` for a column."""
