// Which keys a query sees, and what is done to its scores.
#pragma once

#include "kernels/attention_pack.h"

namespace understudy {
namespace {

inline AttentionRange visible_keys(const Attention& x, const AttentionRow& row, int64_t head, int64_t query) {
    if (x.visible != nullptr) {
        return x.visible[row.batch * x.visible_batch + head * x.visible_head + query * x.visible_token];
    }
    const auto keys = static_cast<int32_t>(row.keys);
    return {0, x.causal ? static_cast<int32_t>(query + row.keys - row.tokens + 1) : keys};
}

// The keys that any of the queries [begin, end) sees, in whole vectors.
inline AttentionRange visible_vectors(const Attention& x, const AttentionRow& row, int64_t head, int64_t begin, int64_t end) {
    AttentionRange range = visible_keys(x, row, head, begin);
    for (int64_t i = begin + 1; i < end; i++) {
        const auto next = visible_keys(x, row, head, i);
        range.begin = next.begin < range.begin ? next.begin : range.begin;
        range.end = next.end > range.end ? next.end : range.end;
    }
    return {range.begin / lanes * lanes, static_cast<int32_t>(rounded_up(range.end, lanes))};
}

// The mask of one query.
struct MaskRow {
    const float* added;
    const uint8_t* allowed;

    MaskRow(const Attention& x, const AttentionRow& row, int64_t head, int64_t query) {
        const auto at = row.batch * x.mask_batch + head * x.mask_head + query * x.mask_token;
        added = x.added == nullptr ? nullptr : x.added + at;
        allowed = x.allowed == nullptr ? nullptr : x.allowed + at;
    }

    // Scores of keys j, j + 1, ... of which the first `count` exist.
    Floats apply(Floats scores, int64_t j, int64_t count) const {
        if (added != nullptr) {
            Floats numbers{};
            if (count >= lanes) {
                numbers = load_floats(added + j);
            } else {
                std::memcpy(&numbers, added + j, static_cast<size_t>(count) * sizeof(float));
            }
            return scores + numbers;
        }
        return allowed != nullptr ? may(j, count) ? scores : all(-__builtin_inff()) : scores;
    }

    // The gradients of those scores: nothing comes from a score that a boolean replaced, not even NaN.
    Floats apply_backward(Floats gradients, int64_t j, int64_t count) const {
        return allowed != nullptr ? may(j, count) ? gradients : Floats{} : gradients;
    }

private:
    Ints may(int64_t j, int64_t count) const {
        Ints result;
        for (int i = 0; i < lanes; i++) {
            result[i] = i < count && allowed[j + i] != 0 ? -1 : 0;
        }
        return result;
    }
};

inline uint64_t first_place(const Attention& x, const AttentionRow& row, int64_t head, int64_t query) {
    const auto place = (row.batch * x.heads + head) * x.total_tokens + row.first_query + query;
    return static_cast<uint64_t>(place) * static_cast<uint64_t>(x.places);
}

// The random numbers of keys [begin, end) of a query; numbers[0] belongs to the multiple of 32 below begin.
inline void draw(const Attention& x, const AttentionRow& row, int64_t head, int64_t query, int64_t begin, int64_t end,
                 uint16_t* numbers) {
    const auto from = begin / 32 * 32;
    random_numbers(x.seed, first_place(x, row, head, query) + static_cast<uint64_t>(from / 4), numbers,
                   rounded_up(end - from, 32));
}

// Weights with those below the limit dropped; the others are scaled later.
inline Floats drop(Floats weights, const uint16_t* numbers, uint32_t below) {
    const Words drawn = extend(vector_at<Halves>(numbers));
    return drawn >= below ? weights : Floats{};
}

inline float* statistics_of(const Attention& x, const AttentionRow& row, int64_t head, int64_t query) {
    return x.statistics == nullptr
               ? nullptr
               : x.statistics + 2 * ((row.batch * x.heads + head) * x.total_tokens + row.first_query + query);
}

}  // namespace
}  // namespace understudy
