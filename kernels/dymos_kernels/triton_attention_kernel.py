"""The device side of the one-pass kernel; imported only where Triton is.

All logits are in units of log2: an exponential is then one instruction.
"""

import triton
import triton.language as tl

NOTHING = tl.constexpr(0)
"""Record no mass."""
ROWS = tl.constexpr(1)
"""Record the logarithm of what each query row gives to each frame and to the text."""
TILES = tl.constexpr(2)
"""Record mass averaged over the rows of a query tile, frame by frame."""

LEAST = tl.constexpr(-3e38)
"""Below every logit and finite, so that no difference of maxima is NaN."""
NO_SHARE = tl.constexpr(-5e29)
"""Logarithm of no weight at all: half of ``mass.HUGE``, so that a bias of -inf still outweighs it."""
LARGEST_SHIFT = tl.constexpr(1048576.0)
"""Bound on finite shifts: enough to leave nothing, and a float32 maximum still resolves 1/8 there."""
LOG2_E = tl.constexpr(1.4426950408889634)
LN_2 = tl.constexpr(0.6931471805599453)


@triton.jit
def attention(
    q,
    k,
    v,
    key_mask,
    bias,
    out,
    tile_mass,
    shares,
    scale,
    q_batch,
    q_head,
    q_row,
    k_batch,
    k_head,
    k_row,
    v_batch,
    v_head,
    v_row,
    out_batch,
    out_head,
    out_row,
    bias_batch,
    bias_head,
    bias_frame,
    mask_batch,
    mask_key,
    heads,
    length,
    first_row,
    stop_row,
    video_start,
    frames,
    tokens,
    key_frame,
    DIM: tl.constexpr,
    VALUE_DIM: tl.constexpr,
    DIM_BLOCK: tl.constexpr,
    VALUE_BLOCK: tl.constexpr,
    ROW_BLOCK: tl.constexpr,
    KEY_BLOCK: tl.constexpr,
    COLUMNS: tl.constexpr,
    SPANNED: tl.constexpr,
    RECORD: tl.constexpr,
    OUTPUT: tl.constexpr,
    BIASED: tl.constexpr,
    MASKED: tl.constexpr,
    UPCAST: tl.constexpr,
):
    """Attend with ROW_BLOCK query rows of one head to all keys, run of keys by run of keys.

    A run is the text before, a frame, or the text after where mass is recorded, else what is
    before, in and behind the key frame, else everything. In a run the bias is one number a row.
    """
    tile = tl.program_id(0)
    batch = (tl.program_id(1) // heads).to(tl.int64)
    head = (tl.program_id(1) % heads).to(tl.int64)
    video_stop = video_start + frames * tokens

    first = first_row + tile * ROW_BLOCK
    in_tile = tl.arange(0, ROW_BLOCK)
    rows = first + in_tile
    exists = rows < stop_row
    is_video = exists & (rows >= video_start) & (rows < video_stop)
    query_frame = (rows - video_start) // tokens
    channels = tl.arange(0, DIM_BLOCK)
    value_channels = tl.arange(0, VALUE_BLOCK)
    columns = tl.arange(0, COLUMNS)

    q += batch * q_batch + head * q_head + first.to(tl.int64) * q_row
    k += batch * k_batch + head * k_head
    v += batch * v_batch + head * v_head
    query_wanted = exists[:, None]
    if DIM_BLOCK > DIM:
        query_wanted = query_wanted & (channels < DIM)[None, :]
    queries = tl.load(q + in_tile[:, None] * q_row + channels[None, :], mask=query_wanted, other=0.0)
    if UPCAST:
        queries = queries.to(tl.float32)

    lam = tl.zeros([ROW_BLOCK], tl.float32)
    if BIASED:
        strength = tl.load(
            bias + batch * bias_batch + head * bias_head + query_frame * bias_frame, mask=is_video, other=0.0
        )
        strength = strength.to(tl.float32) * LOG2_E
        bounded = tl.minimum(tl.maximum(strength, -LARGEST_SHIFT), LARGEST_SHIFT)
        lam = tl.where(tl.abs(strength) == float("inf"), strength, bounded)

    peak = tl.full([ROW_BLOCK], LEAST, tl.float32)
    total = tl.zeros([ROW_BLOCK], tl.float32)
    text_share = tl.full([ROW_BLOCK], NO_SHARE, tl.float32)
    mass = tl.zeros([ROW_BLOCK, COLUMNS], tl.float32)
    weighted = tl.zeros([ROW_BLOCK, VALUE_BLOCK], tl.float32)

    runs = 1
    if RECORD != NOTHING:
        runs = frames + 2
    elif BIASED:
        runs = 3
    for run in range(0, runs):
        # Of a run: its keys, the frame it is or ``frames`` for the text, and whether the bias lowers it.
        start = 0
        stop = length
        frame = frames
        if RECORD != NOTHING:
            start = tl.where(run == 0, 0, video_start + (run - 1) * tokens)
            stop = tl.where(run <= frames, video_start + run * tokens, length)
            frame = tl.where(run == 0, frames, run - 1)
        elif BIASED:
            start = tl.where(run == 0, 0, video_start + (key_frame + run - 1) * tokens)
            stop = tl.where(run <= 1, video_start + (key_frame + run) * tokens, length)
            frame = tl.where(run == 1, key_frame, frames)
        # A large bias added to the key frame would cost the bits of what remains: each sign lowers what is to lose.
        shift = tl.maximum(tl.where(frame == key_frame, lam, -lam), 0.0)
        peak_before = peak
        weight = tl.zeros([ROW_BLOCK], tl.float32)

        for key in range(start, stop, KEY_BLOCK):
            in_block = tl.arange(0, KEY_BLOCK)
            inside = key + in_block < stop
            key_wanted = inside[:, None]
            if DIM_BLOCK > DIM:
                key_wanted = key_wanted & (channels < DIM)[None, :]
            at = tl.cast(key, tl.int64)
            keys = tl.load(k + at * k_row + in_block[:, None] * k_row + channels[None, :], mask=key_wanted, other=0.0)
            if UPCAST:
                keys = keys.to(tl.float32)
            logits = tl.dot(queries, tl.trans(keys), input_precision="ieee")
            if MASKED:
                if (key < video_start) | (key + KEY_BLOCK > video_stop):
                    allowed = tl.load(key_mask + batch * mask_batch + (key + in_block) * mask_key, mask=inside, other=0)
                    logits = tl.where((allowed != 0)[None, :], logits, float("-inf"))
            # Most blocks are full: a branch costs them less than a comparison an element.
            if key + KEY_BLOCK > stop:
                logits = tl.where(inside[None, :], logits, float("-inf"))

            higher = tl.maximum(peak, tl.max(logits, 1) * scale - shift)
            # An infinite shift leaves the maximum as it is, and every weight exactly 0.
            weights = tl.exp2(logits * scale - (higher + shift)[:, None])
            fade = tl.exp2(peak - higher)
            weight = weight * fade + tl.sum(weights, 1)
            peak = higher
            if OUTPUT:
                value_wanted = inside[:, None]
                if VALUE_BLOCK > VALUE_DIM:
                    value_wanted = value_wanted & (value_channels < VALUE_DIM)[None, :]
                values = tl.load(
                    v + at * v_row + in_block[:, None] * v_row + value_channels[None, :], mask=value_wanted, other=0.0
                )
                weights = weights.to(v.dtype.element_ty)
                if UPCAST:
                    values = values.to(tl.float32)
                    weights = weights.to(tl.float32)
                weighted = tl.dot(weights, values, weighted * fade[:, None], input_precision="ieee")

        fade = tl.exp2(peak_before - peak)
        total = total * fade + weight
        if RECORD == TILES:
            mass = mass * fade[:, None] + tl.where((columns == frame)[None, :], weight[:, None], 0.0)
        if RECORD == ROWS:
            share = tl.where(weight > 0.0, peak + tl.log2(weight), NO_SHARE)
            if frame == frames:
                more = tl.maximum(share, text_share)
                text_share = more + tl.log2(tl.exp2(share - more) + tl.exp2(text_share - more))
            else:
                _store_share(shares, share, frame, rows, is_video, heads, frames, tokens, video_start)

    if OUTPUT:
        out += batch * out_batch + head * out_head + first.to(tl.int64) * out_row
        out_wanted = exists[:, None]
        if VALUE_BLOCK > VALUE_DIM:
            out_wanted = out_wanted & (value_channels < VALUE_DIM)[None, :]
        mean = weighted / total[:, None]
        tl.store(
            out + in_tile[:, None] * out_row + value_channels[None, :], mean.to(out.dtype.element_ty), mask=out_wanted
        )
    if RECORD == ROWS:
        _store_share(shares, text_share, frames, rows, is_video, heads, frames, tokens, video_start)
    if RECORD == TILES:
        mass = mass / total[:, None]
        tile_mass += (tl.program_id(1).to(tl.int64) * tl.num_programs(0) + tile) * SPANNED * COLUMNS
        first_frame = tl.maximum(first - video_start, 0) // tokens
        for slot in tl.static_range(SPANNED):
            is_here = is_video & (query_frame == first_frame + slot)
            here = tl.where(is_here[:, None], mass, 0.0)
            tl.store(tile_mass + slot * COLUMNS + columns, tl.sum(here, 0))


@triton.jit
def _store_share(shares, share, frame, rows, is_video, heads, frames, tokens, video_start):
    """Store one column of ``shares`` (frames + 1, B, H, frames * tokens), in natural logarithms."""
    of_frame = (tl.cast(frame, tl.int64) * tl.num_programs(1) + tl.program_id(1)) * frames * tokens
    tl.store(shares + of_frame + (rows - video_start), share * LN_2, mask=is_video)


@triton.jit
def sum_tiles(
    tile_mass,
    mass,
    text,
    tiles,
    first_row,
    video_start,
    frames,
    tokens,
    ROW_BLOCK: tl.constexpr,
    COLUMNS: tl.constexpr,
    SPANNED: tl.constexpr,
):
    """Average one query frame of one head over its tiles, always in the same order."""
    frame = tl.program_id(0)
    row = tl.program_id(1).to(tl.int64)
    columns = tl.arange(0, COLUMNS)
    start = video_start + frame * tokens
    summed = tl.zeros([COLUMNS], tl.float32)
    for tile in range((start - first_row) // ROW_BLOCK, (start + tokens - 1 - first_row) // ROW_BLOCK + 1):
        first_frame = tl.maximum(first_row + tile * ROW_BLOCK - video_start, 0) // tokens
        slot = (row * tiles + tile) * SPANNED + frame - first_frame
        summed += tl.load(tile_mass + slot * COLUMNS + columns)
    summed = summed / tokens
    tl.store(mass + (row * frames + frame) * frames + columns, summed, mask=columns < frames)
    tl.store(text + row * frames + frame + columns * 0, summed, mask=columns == frames)
