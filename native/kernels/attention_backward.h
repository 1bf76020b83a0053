// Backward (Dao, arXiv 2307.08691): weights are computed again from the kept statistics, tile by tile.
#pragma once

#include "kernels/attention_forward.h"

namespace understudy {
namespace {

constexpr int64_t most_block = 132;

// What a block of queries keeps of its weights and of the gradient of its scores stays in the second-level cache.
inline int64_t backward_block(int64_t tokens, int64_t keys) {
    const auto fitting = 229376 / (8 * (keys + 1)) / tile_rows * tile_rows;
    const auto needed = rounded_up(tokens, tile_rows);
    const auto most = needed < most_block ? needed : most_block;
    return fitting < tile_rows ? tile_rows : fitting > most ? most : fitting;
}

// What the weights of one query are computed again from.
struct Query {
    AttentionRange seen;
    MaskRow mask;
    float top;
    float inverse;
    float expected;  // the sum of weights times their gradients: output times upstream
};

// The weights (after dropout) and the gradients of the scores of one block of queries. `weights` and `gradients` are left
// operands whose rows are keys, summed over queries; `gradient_rows` is one whose rows are queries, summed over keys.
template <class Word>
struct Slopes;

template <>
struct Slopes<Single> {
    int64_t row;
    float* weights;
    float* gradients;

    Slopes(AttentionScratch& scratch, int64_t block, int64_t keys)
        : row(keys + lanes), weights(take<float>(scratch, block * row)), gradients(take<float>(scratch, block * row)) {}

    void store(int64_t i, int64_t j, const Floats* weight, const Floats* gradient) {
        store_floats(weights + i * row + j, weight[0]);
        store_floats(gradients + i * row + j, gradient[0]);
    }
    Left by_key(const float* values, int64_t step, int64_t j) const {
        return {reinterpret_cast<const uint32_t*>(values + step * row + j), 1, row};
    }
    Left by_query(int64_t i, int64_t j) const {
        return {reinterpret_cast<const uint32_t*>(gradients + i * row + j), row, 1};
    }
};

#if defined(__AVX512BF16__)
template <>
struct Slopes<Paired> {
    int64_t row;
    uint32_t* weights;    // [queries / 2, keys], pairs of queries
    uint32_t* gradients;  // likewise
    uint16_t* rows;       // [queries, keys]

    Slopes(AttentionScratch& scratch, int64_t block, int64_t keys)
        : row(keys + 2 * lanes), weights(take<uint32_t>(scratch, block / 2 * row)),
          gradients(take<uint32_t>(scratch, block / 2 * row)), rows(take<uint16_t>(scratch, block * row)) {}

    void store(int64_t i, int64_t j, const Floats* weight, const Floats* gradient) {
        const __m512i alternating = _mm512_set_epi16(31, 15, 30, 14, 29, 13, 28, 12, 27, 11, 26, 10, 25, 9, 24, 8, 23, 7, 22, 6,
                                                     21, 5, 20, 4, 19, 3, 18, 2, 17, 1, 16, 0);
        const auto both = (__m512i)_mm512_cvtne2ps_pbh(weight[1], weight[0]);
        put(weights + i / 2 * row + j, _mm512_permutexvar_epi16(alternating, both));
        const auto slopes = (__m512i)_mm512_cvtne2ps_pbh(gradient[1], gradient[0]);
        put(gradients + i / 2 * row + j, _mm512_permutexvar_epi16(alternating, slopes));
        put(rows + i * row + j, _mm512_castsi512_si256(slopes));
        put(rows + (i + 1) * row + j, _mm512_extracti64x4_epi64(slopes, 1));
    }
    Left by_key(const uint32_t* values, int64_t step, int64_t j) const { return {values + step * row + j, 1, row}; }
    Left by_query(int64_t i, int64_t j) const {
        return {reinterpret_cast<const uint32_t*>(rows + i * row + j), row / 2, 1};
    }
};
#endif

// The queries of a block, in tiles, that keys [j, j + lanes) are seen by.
struct TileRange {
    int32_t begin;
    int32_t end;

    void include(const TileRange& other) {
        begin = other.begin < begin ? other.begin : begin;
        end = other.end > end ? other.end : end;
    }
};

// One tile: scores and the gradients of the weights, [tile_rows, panel] each, to slopes.
template <class Word>
void differentiate(const Attention& x, const AttentionRow& row, int64_t head, int64_t first_query, const Query* queries,
                   int64_t i, int64_t count, int64_t first, int64_t last, const float* scores, const float* gradients,
                   Slopes<Word>& slopes) {
    constexpr int depth = Word::depth;
    uint16_t numbers[depth][panel + 64];
    for (int64_t r = 0; r < count; r += depth) {
        const int there = count - r < depth ? static_cast<int>(count - r) : depth;
        if (x.drop_below != 0) {
            for (int d = 0; d < there; d++) {
                draw(x, row, head, first_query + i + r + d, first, last, numbers[d]);
            }
        }
        for (int64_t j = first; j < last; j += lanes) {
            Floats weight[depth], gradient[depth];
            for (int d = 0; d < depth; d++) {
                if (d >= there) {
                    weight[d] = gradient[d] = Floats{};
                    continue;
                }
                const Query& query = queries[i + r + d];
                const auto at = (r + d) * panel + (j - first);
                const Floats score = query.mask.apply(load_floats(scores + at) * x.scale, j, row.keys - j);
                Floats p = exponential(score - query.top) * query.inverse;
                if (j < query.seen.begin || j + lanes > query.seen.end) {
                    p = lanes_within(query.seen.begin - j, query.seen.end - j) ? p : Floats{};
                }
                Floats arriving = load_floats(gradients + at);
                weight[d] = p;
                if (x.drop_below != 0) {
                    const auto* drawn = numbers[d] + (j - first / 32 * 32);
                    weight[d] = drop(p, drawn, x.drop_below) * x.keep_scale;
                    arriving = drop(arriving, drawn, x.drop_below) * x.keep_scale;
                }
                gradient[d] = query.mask.apply_backward(p * (arriving - query.expected) * x.scale, j, row.keys - j);
            }
            slopes.store(i + r, j, weight, gradient);
        }
    }
}

template <class In>
float dot_rows(const In* a, const In* b, int64_t dim) {
    Floats sums{};
    int64_t d = 0;
    for (; d + lanes <= dim; d += lanes) {
        sums = sums + load_floats(a + d) * load_floats(b + d);
    }
    float sum = total(sums);
    for (; d < dim; d++) {
        sum += load_float(a + d) * load_float(b + d);
    }
    return sum;
}

template <class In, class Word>
void backward(const Attention& x, const AttentionTask& task, const AttentionTask* next, AttentionScratch& scratch) {
    constexpr int depth = Word::depth;
    const auto& row = x.rows[task.row];
    const auto groups = x.heads / x.key_heads;
    const Width<Word> width(x.dim);
    const auto keys = rounded_up(row.keys, lanes);
    const auto block = backward_block(row.tokens, keys);
    auto* rows = take<uint32_t>(scratch, keys * width.words);
    auto* key_columns = take<uint32_t>(scratch, rounded_up(keys, panel) * width.words);
    auto* value_columns = take<uint32_t>(scratch, rounded_up(keys, panel) * width.words);
    auto* key_pairs = take<uint32_t>(scratch, pairs_size(keys / depth, width.panels));
    clear(rows + row.keys * width.words, (keys - row.keys) * width.words);
    pack_rows(row_of<In>(x.value, row.batch, task.key_head, row.first_key), x.value.token, row.keys, width, rows);
    pack_columns(rows, keys, width, value_columns);
    pack_rows(row_of<In>(x.key, row.batch, task.key_head, row.first_key), x.key.token, row.keys, width, rows);
    pack_columns(rows, keys, width, key_columns);
    pack_pairs(rows, keys / depth, width, key_pairs);

    const auto most_steps = block / depth;
    auto* query_rows = take<uint32_t>(scratch, block * width.words);
    auto* query_pairs = take<uint32_t>(scratch, pairs_size(most_steps, width.panels));
    auto* upstream_rows = take<uint32_t>(scratch, block * width.words);
    auto* upstream_pairs = take<uint32_t>(scratch, pairs_size(most_steps, width.panels));
    auto* key_sums = take<float>(scratch, row.keys * width.columns);
    auto* value_sums = take<float>(scratch, row.keys * width.columns);
    auto* sums = take<float>(scratch, tile_rows * width.columns);
    auto* scores = take<float>(scratch, tile_rows * panel);
    auto* gradients = take<float>(scratch, tile_rows * panel);
    auto* queries = take<Query>(scratch, block);
    auto* seen_by = take<TileRange>(scratch, keys / lanes + 1);
    auto* filled = take<TileRange>(scratch, keys / lanes + 1);
    Slopes<Word> slopes(scratch, block, keys);
    AttentionRange ranges[most_block / tile_rows];
    Ahead<In> ahead(x, next, row.tokens / tile_rows);
    bool add = false;
    for (int64_t g = 0; g < groups; g++) {
        const auto head = task.key_head * groups + g;
        for (int64_t begin = 0; begin < row.tokens; begin += block) {
            const auto count = row.tokens - begin < block ? row.tokens - begin : block;
            const auto steps = (count + depth - 1) / depth;
            const auto first_query = row.first_query + begin;
            pack_rows(row_of<In>(x.query, row.batch, head, first_query), x.query.token, count, width, query_rows);
            pack_rows(row_of<In>(x.upstream, row.batch, head, first_query), x.upstream.token, count, width, upstream_rows);
            clear(query_rows + count * width.words, (steps * depth - count) * width.words);
            clear(upstream_rows + count * width.words, (steps * depth - count) * width.words);
            pack_pairs(query_rows, steps, width, query_pairs);
            pack_pairs(upstream_rows, steps, width, upstream_pairs);
            for (int64_t i = 0; i < count; i++) {
                const auto* kept = statistics_of(x, row, head, begin + i);
                queries[i] = {visible_keys(x, row, head, begin + i), MaskRow(x, row, head, begin + i), kept[0], kept[1],
                              dot_rows(row_of<In>(x.output, row.batch, head, first_query + i),
                                       row_of<In>(x.upstream, row.batch, head, first_query + i), x.dim)};
            }
            const auto tiles = static_cast<int32_t>((count + tile_rows - 1) / tile_rows);
            for (int64_t j = 0; j < keys / lanes; j++) {
                seen_by[j] = {tiles, 0};
            }
            for (int32_t t = 0; t < tiles; t++) {
                const auto i = t * tile_rows;
                ranges[t] = visible_vectors(x, row, head, begin + i, begin + (i + tile_rows < count ? i + tile_rows : count));
                for (int64_t j = ranges[t].begin / lanes; j < ranges[t].end / lanes; j++) {
                    seen_by[j].include({t, t + 1});
                }
            }

            for (int64_t from = 0; from < keys; from += panel) {
                for (int32_t t = 0; t < tiles; t++) {
                    const auto i = static_cast<int64_t>(t) * tile_rows;
                    const auto tile = count - i < tile_rows ? count - i : tile_rows;
                    const auto first = ranges[t].begin > from ? ranges[t].begin : from;
                    const auto last = ranges[t].end < from + panel ? ranges[t].end : from + panel;
                    if (first >= last) {
                        continue;
                    }
                    const auto vectors = (last - first) / lanes;
                    const auto columns = from * width.words + (first - from);
                    multiply<Word>(tile, vectors, {query_rows + i * width.words, width.words, 1}, key_columns + columns, scores,
                                   panel, width.steps, false);
                    multiply<Word>(tile, vectors, {upstream_rows + i * width.words, width.words, 1}, value_columns + columns,
                                   gradients, panel, width.steps, false);
                    differentiate<Word>(x, row, head, begin, queries, i, tile, first, last, scores, gradients, slopes);
                }
            }

            for (int32_t t = 0; t < tiles; t++) {
                const auto i = static_cast<int64_t>(t) * tile_rows;
                const auto tile = count - i < tile_rows ? count - i : tile_rows;
                ahead.step();
                const auto from = ranges[t].begin / depth;
                for (int64_t p = 0; p < width.panels; p++) {
                    multiply<Word>(tile, width.vectors(p), slopes.by_query(i, ranges[t].begin),
                                   key_pairs + (p * (keys / depth) + from) * panel, sums + p * panel, width.columns,
                                   (ranges[t].end - ranges[t].begin) / depth, false);
                }
                for (int64_t r = 0; r < tile; r++) {
                    write_row(sums + r * width.columns, 1.0f,
                              writable_row_of<In>(x.query_gradient, row.batch, head, first_query + i + r), x.dim);
                }
            }

            // A tile of keys may reach over two vectors, each of which was written for its own queries alone.
            const Floats zeros[depth] = {};
            for (int64_t j = 0; j < keys / lanes; j++) {
                filled[j] = seen_by[j];
                if (j > 0) {
                    filled[j].include(seen_by[j - 1]);
                }
                if (j + 1 < keys / lanes) {
                    filled[j].include(seen_by[j + 1]);
                }
                for (int32_t t = filled[j].begin; t < filled[j].end; t++) {
                    if (j * lanes < ranges[t].begin || j * lanes >= ranges[t].end) {
                        for (int64_t i = t * tile_rows; i < (t + 1) * tile_rows && i < count; i += depth) {
                            slopes.store(i, j * lanes, zeros, zeros);
                        }
                    }
                }
            }
            for (int64_t j = 0; j < row.keys; j += tile_rows) {
                const auto tile = row.keys - j < tile_rows ? row.keys - j : tile_rows;
                auto seen = seen_by[j / lanes];
                seen.include(seen_by[(j + tile - 1) / lanes]);
                const auto from = static_cast<int64_t>(seen.begin) * tile_rows / depth;
                const auto to = static_cast<int64_t>(seen.end) * tile_rows / depth;
                const auto length = (to < steps ? to : steps) - from;
                for (int64_t p = 0; p < width.panels; p++) {
                    const auto at = (p * steps + from) * panel;
                    const auto into = j * width.columns + p * panel;
                    multiply<Word>(tile, width.vectors(p), slopes.by_key(slopes.weights, from, j), upstream_pairs + at,
                                   value_sums + into, width.columns, length, add);
                    multiply<Word>(tile, width.vectors(p), slopes.by_key(slopes.gradients, from, j), query_pairs + at,
                                   key_sums + into, width.columns, length, add);
                }
            }
            add = true;
        }
    }
    for (int64_t j = 0; j < row.keys; j++) {
        if (!add) {
            clear(reinterpret_cast<uint32_t*>(key_sums + j * width.columns), width.columns);
            clear(reinterpret_cast<uint32_t*>(value_sums + j * width.columns), width.columns);
        }
        write_row(key_sums + j * width.columns, 1.0f,
                  writable_row_of<In>(x.key_gradient, row.batch, task.key_head, row.first_key + j), x.dim);
        write_row(value_sums + j * width.columns, 1.0f,
                  writable_row_of<In>(x.value_gradient, row.batch, task.key_head, row.first_key + j), x.dim);
    }
}

}  // namespace
}  // namespace understudy
