// Forward: scores of a block of queries against all keys that they see, softmax in place, product with the values.
#pragma once

#include "kernels/attention_ahead.h"
#include "kernels/attention_scores.h"

namespace understudy {
namespace {

// Scores of a block stay in the second-level cache.
inline int64_t forward_block(int64_t keys) {
    const auto fitting = 98304 / (4 * (keys + 1)) / tile_rows * tile_rows;
    return fitting < tile_rows ? tile_rows : fitting > 96 ? 96 : fitting;
}

// scores[range] of one query, not scaled -> e**(score - largest) as weights[range], 0 where the query does not look.
// Returns what the sums of weights times values are to be multiplied by.
template <class Element>
float soften(const Attention& x, const AttentionRow& row, int64_t head, int64_t query, AttentionRange range,
             float* scores, Element* weights, uint16_t* numbers) {
    const auto seen = visible_keys(x, row, head, query);
    const MaskRow mask(x, row, head, query);
    const Floats hidden = all(-__builtin_inff());
    const auto whole_from = rounded_up(seen.begin, lanes);
    const auto whole_to = seen.end / lanes * lanes;
    const auto is_whole = [&](int64_t j) { return j >= whole_from && j < whole_to; };
    const auto first = seen.begin / lanes * lanes;
    Floats most = hidden;
    for (int64_t j = first; j < seen.end; j += lanes) {
        Floats score = mask.apply(load_floats(scores + j) * x.scale, j, row.keys - j);
        if (!is_whole(j)) {
            score = lanes_within(seen.begin - j, seen.end - j) ? score : hidden;
        }
        store_floats(scores + j, score);
        most = larger(most, score);
    }
    const auto top = largest(most);
    if (x.drop_below != 0) {
        draw(x, row, head, query, first, seen.end, numbers);
        numbers -= first / 32 * 32;
    }
    for (int64_t j = range.begin; j < first; j += lanes) {
        store_floats(weights + j, Floats{});
    }
    Floats sums{};
    int64_t j = first;
    for (; j < seen.end; j += lanes) {
        Floats weight = exponential(load_floats(scores + j) - top);
        if (!is_whole(j)) {
            weight = lanes_within(seen.begin - j, seen.end - j) ? weight : Floats{};
        }
        sums = sums + weight;
        store_floats(weights + j, x.drop_below == 0 ? weight : drop(weight, numbers + j, x.drop_below));
    }
    for (; j < range.end; j += lanes) {
        store_floats(weights + j, Floats{});
    }
    const auto inverse = seen.end > seen.begin ? 1 / total(sums) : 0.0f;
    if (auto* kept = statistics_of(x, row, head, query)) {
        kept[0] = top;
        kept[1] = inverse;
    }
    return inverse * x.keep_scale;
}

template <class In>
void write_row(const float* from, float factor, In* to, int64_t dim) {
    int64_t d = 0;
    for (; d + lanes <= dim; d += lanes) {
        store_floats(to + d, load_floats(from + d) * factor);
    }
    for (; d < dim; d++) {
        store_float(to + d, from[d] * factor);
    }
}

// A few queries of each head are not worth laying out the keys: one dot product and one sum per key.
template <class In>
void forward_few(const Attention& x, const AttentionTask& task, AttentionScratch& scratch) {
    const auto& row = x.rows[task.row];
    const auto groups = x.heads / x.key_heads;
    const auto queries = task.end - task.begin;
    const auto count = queries * groups;
    const Width<Single> width(x.dim);
    const auto ahead = rounded_up(row.keys, lanes) + lanes;
    auto* query_rows = take<uint32_t>(scratch, count * width.words);
    auto* scores = take<float>(scratch, count * ahead);
    auto* numbers = take<uint16_t>(scratch, row.keys + 64);
    auto* sums = take<float>(scratch, count * width.columns);
    auto* one = take<float>(scratch, width.columns);
    auto* factors = take<float>(scratch, count);
    clear(reinterpret_cast<uint32_t*>(one), width.columns);
    clear(reinterpret_cast<uint32_t*>(sums), count * width.columns);
    for (int64_t g = 0; g < groups; g++) {
        pack_rows(row_of<In>(x.query, row.batch, task.key_head * groups + g, row.first_query + task.begin), x.query.token,
                  queries, width, query_rows + g * queries * width.words);
    }
    const auto* query_floats = reinterpret_cast<const float*>(query_rows);
    const bool whole = x.dim % lanes == 0;
    for (int64_t j = 0; j < row.keys; j++) {
        const In* key = row_of<In>(x.key, row.batch, task.key_head, row.first_key + j);
        if (!whole) {
            convert_row(key, one, x.dim);
        }
        for (int64_t i = 0; i < count; i++) {
            Floats dot{};
            for (int64_t d = 0; d < width.columns; d += lanes) {
                dot = dot + load_floats(query_floats + i * width.words + d) * (whole ? load_floats(key + d) : load_floats(one + d));
            }
            scores[i * ahead + j] = total(dot);
        }
    }
    for (int64_t i = 0; i < count; i++) {
        const AttentionRange range{0, static_cast<int32_t>(rounded_up(row.keys, lanes))};
        auto* weights = scores + i * ahead;
        factors[i] = soften(x, row, task.key_head * groups + i / queries, task.begin + i % queries, range, weights, weights, numbers);
    }
    for (int64_t j = 0; j < row.keys; j++) {
        const In* value = row_of<In>(x.value, row.batch, task.key_head, row.first_key + j);
        if (!whole) {
            convert_row(value, one, x.dim);
        }
        for (int64_t i = 0; i < count; i++) {
            auto* sum = sums + i * width.columns;
            const Floats weight = all(scores[i * ahead + j]);
            for (int64_t d = 0; d < width.columns; d += lanes) {
                store_floats(sum + d, load_floats(sum + d) + weight * (whole ? load_floats(value + d) : load_floats(one + d)));
            }
        }
    }
    for (int64_t i = 0; i < count; i++) {
        write_row(sums + i * width.columns, factors[i],
                  writable_row_of<In>(x.output, row.batch, task.key_head * groups + i / queries,
                                      row.first_query + task.begin + i % queries), x.dim);
    }
}

template <class In, class Word>
void forward(const Attention& x, const AttentionTask& task, const AttentionTask* next, AttentionScratch& scratch) {
    const auto& row = x.rows[task.row];
    const auto groups = x.heads / x.key_heads;
    // Asked of the whole row: what a part of it gives must not depend on how it is divided among threads.
    if (row.tokens * groups <= 4) {
        forward_few<In>(x, task, scratch);
        return;
    }
    const Width<Word> width(x.dim);
    const auto keys = rounded_up(row.keys, lanes);
    const auto block = forward_block(keys);
    auto* rows = take<uint32_t>(scratch, keys * width.words);
    auto* key_columns = take<uint32_t>(scratch, rounded_up(keys, panel) * width.words);
    auto* value_pairs = take<uint32_t>(scratch, pairs_size(keys / Word::depth, width.panels));
    clear(rows + row.keys * width.words, (keys - row.keys) * width.words);
    pack_rows(row_of<In>(x.key, row.batch, task.key_head, row.first_key), x.key.token, row.keys, width, rows);
    pack_columns(rows, keys, width, key_columns);
    pack_rows(row_of<In>(x.value, row.batch, task.key_head, row.first_key), x.value.token, row.keys, width, rows);
    pack_pairs(rows, keys / Word::depth, width, value_pairs);

    // Rows of a power of two would fall on few places of the cache.
    const auto score_row = keys + lanes;
    const auto weight_row = (keys + 2 * lanes) / Word::depth;  // in words
    auto* query_rows = take<uint32_t>(scratch, block * width.words);
    auto* scores = take<float>(scratch, block * score_row);
    auto* weights = take<uint32_t>(scratch, block * weight_row);
    auto* sums = take<float>(scratch, tile_rows * width.columns);
    auto* numbers = take<uint16_t>(scratch, keys + 64);
    AttentionRange ranges[96 / tile_rows];
    Ahead<In> ahead(x, next, (task.end - task.begin) / tile_rows);
    for (int64_t g = 0; g < groups; g++) {
        const auto head = task.key_head * groups + g;
        for (int64_t begin = task.begin; begin < task.end; begin += block) {
            const auto count = task.end - begin < block ? task.end - begin : block;
            pack_rows(row_of<In>(x.query, row.batch, head, row.first_query + begin), x.query.token, count, width, query_rows);
            for (int64_t i = 0; i < count; i += tile_rows) {
                ranges[i / tile_rows] = visible_vectors(x, row, head, begin + i, begin + (i + tile_rows < count ? i + tile_rows : count));
            }
            for (int64_t from = 0; from < keys; from += panel) {
                for (int64_t i = 0; i < count; i += tile_rows) {
                    const auto range = ranges[i / tile_rows];
                    const auto first = range.begin > from ? range.begin : from;
                    const auto last = range.end < from + panel ? range.end : from + panel;
                    if (first < last) {
                        multiply<Word>(count - i < tile_rows ? count - i : tile_rows, (last - first) / lanes,
                                       {query_rows + i * width.words, width.words, 1},
                                       key_columns + from * width.words + (first - from), scores + i * score_row + first,
                                       score_row, width.steps, false);
                    }
                }
            }
            for (int64_t i = 0; i < count; i += tile_rows) {
                const auto range = ranges[i / tile_rows];
                const auto tile = count - i < tile_rows ? count - i : tile_rows;
                float factors[tile_rows];
                for (int64_t r = 0; r < tile; r++) {
                    factors[r] = soften(x, row, head, begin + i + r, range, scores + (i + r) * score_row,
                                        reinterpret_cast<typename Word::Element*>(weights + (i + r) * weight_row), numbers);
                }
                ahead.step();
                const auto from = range.begin / Word::depth;
                for (int64_t p = 0; p < width.panels; p++) {
                    multiply<Word>(tile, width.vectors(p), {weights + i * weight_row + from, weight_row, 1},
                                   value_pairs + (p * (keys / Word::depth) + from) * panel, sums + p * panel, width.columns,
                                   (range.end - range.begin) / Word::depth, false);
                }
                for (int64_t r = 0; r < tile; r++) {
                    write_row(sums + r * width.columns, factors[r],
                              writable_row_of<In>(x.output, row.batch, head, row.first_query + begin + i + r), x.dim);
                }
            }
        }
    }
}

}  // namespace
}  // namespace understudy
