// How the attention kernels lay out what they multiply: rows of any stride become words, panels of columns and panels of
// row pairs, padded with zeros to whole vectors.
#pragma once

#include "kernels/attention.h"
#include "kernels/vectors.h"

namespace understudy {
namespace {

template <class T>
T* take(AttentionScratch& scratch, int64_t count) {
    return static_cast<T*>(attention_scratch(scratch, static_cast<size_t>(count) * sizeof(T)));
}

inline int64_t rounded_up(int64_t x, int64_t to) { return (x + to - 1) / to * to; }

template <class In>
const In* row_of(const AttentionMatrix& matrix, int64_t batch, int64_t head, int64_t token) {
    return static_cast<const In*>(matrix.data) + batch * matrix.batch + head * matrix.head + token * matrix.token;
}

template <class In>
In* writable_row_of(const AttentionMatrix& matrix, int64_t batch, int64_t head, int64_t token) {
    return static_cast<In*>(matrix.data) + batch * matrix.batch + head * matrix.head + token * matrix.token;
}

// The extent of one head's dimension in words and vectors.
template <class Word>
struct Width {
    int64_t dim;
    int64_t words;    // of a row that is summed along the dimension, a multiple of the lanes
    int64_t steps;    // of them, those that count
    int64_t columns;  // of a row whose dimension runs along the vectors
    int64_t panels;

    explicit Width(int64_t dim)
        : dim(dim),
          words(rounded_up((dim + Word::depth - 1) / Word::depth, lanes)),
          steps((dim + Word::depth - 1) / Word::depth),
          columns(rounded_up(dim, lanes)),
          panels((columns + panel - 1) / panel) {}

    int64_t vectors(int64_t panel_index) const {
        const auto left = columns / lanes - panel_index * panel_vectors;
        return left < panel_vectors ? left : panel_vectors;
    }
};

// Rows are too short for a call of memcpy, and most come from memory: what is read must not wait for the row before it.
template <class T>
void convert_row(const T* from, T* to, int64_t dim) {
    int64_t i = 0;
    for (; i + lanes <= dim; i += lanes) {
        std::memcpy(to + i, from + i, lanes * sizeof(T));
    }
    for (; i < dim; i++) {
        to[i] = from[i];
    }
}
inline void convert_row(const uint16_t* from, float* to, int64_t dim) {
    int64_t i = 0;
    for (; i + lanes <= dim; i += lanes) {
        store_floats(to + i, load_floats(from + i));
    }
    for (; i < dim; i++) {
        to[i] = load_float(from + i);
    }
}

// Rows [count, words], one after the other.
template <class In, class Word>
void pack_rows(const In* from, int64_t stride, int64_t count, const Width<Word>& width, uint32_t* to) {
    for (int64_t i = 0; i < count; i++) {
        auto* row = reinterpret_cast<typename Word::Element*>(to + i * width.words);
        convert_row(from + i * stride, row, width.dim);
        for (int64_t d = width.dim; d < width.words * Word::depth; d++) {
            row[d] = 0;
        }
    }
}

#if UNDERSTUDY_LANES == 16
// to[c][r] = from[r][c] of 16 by 16 words.
inline void transpose_block(const uint32_t* from, int64_t stride, uint32_t* to, int64_t to_stride) {
    __m512i a[16], b[16];
#pragma GCC unroll 16
    for (int i = 0; i < 16; i++) {
        a[i] = _mm512_loadu_si512(from + i * stride);
    }
#pragma GCC unroll 8
    for (int i = 0; i < 16; i += 2) {
        b[i] = _mm512_unpacklo_epi32(a[i], a[i + 1]);
        b[i + 1] = _mm512_unpackhi_epi32(a[i], a[i + 1]);
    }
#pragma GCC unroll 4
    for (int i = 0; i < 16; i += 4) {
        a[i] = _mm512_unpacklo_epi64(b[i], b[i + 2]);
        a[i + 1] = _mm512_unpackhi_epi64(b[i], b[i + 2]);
        a[i + 2] = _mm512_unpacklo_epi64(b[i + 1], b[i + 3]);
        a[i + 3] = _mm512_unpackhi_epi64(b[i + 1], b[i + 3]);
    }
    // a[4 g + c] holds columns c, 4 + c, 8 + c and 12 + c of rows 4 g to 4 g + 3, one in each quarter.
#pragma GCC unroll 4
    for (int c = 0; c < 4; c++) {
        const __m512i low = _mm512_shuffle_i32x4(a[c], a[4 + c], 0x44);
        const __m512i high = _mm512_shuffle_i32x4(a[c], a[4 + c], 0xEE);
        const __m512i low2 = _mm512_shuffle_i32x4(a[8 + c], a[12 + c], 0x44);
        const __m512i high2 = _mm512_shuffle_i32x4(a[8 + c], a[12 + c], 0xEE);
        _mm512_storeu_si512(to + c * to_stride, _mm512_shuffle_i32x4(low, low2, 0x88));
        _mm512_storeu_si512(to + (4 + c) * to_stride, _mm512_shuffle_i32x4(low, low2, 0xDD));
        _mm512_storeu_si512(to + (8 + c) * to_stride, _mm512_shuffle_i32x4(high, high2, 0x88));
        _mm512_storeu_si512(to + (12 + c) * to_stride, _mm512_shuffle_i32x4(high, high2, 0xDD));
    }
}
#endif

// Panels [panels of rows][words][panel]: rows, as pack_rows makes them, become columns. Whole vectors of rows are
// written, so `from` must hold zeros up to a multiple of the lanes.
template <class Word>
void pack_columns(const uint32_t* from, int64_t count, const Width<Word>& width, uint32_t* to) {
    for (int64_t j = 0; j < count; j += lanes) {
        uint32_t* into = to + j / panel * panel * width.words + j % panel;
#if UNDERSTUDY_LANES == 16
        for (int64_t p = 0; p < width.words; p += lanes) {
            transpose_block(from + j * width.words + p, width.words, into + p * panel, panel);
        }
#else
        for (int64_t p = 0; p < width.steps; p++) {
            for (int64_t i = 0; i < lanes; i++) {
                into[p * panel + i] = from[(j + i) * width.words + p];
            }
        }
#endif
    }
}

inline int64_t pairs_size(int64_t steps, int64_t panels) { return steps * panels * panel; }

inline void copy_steps(Single, const uint32_t* from, int64_t stride, int64_t steps, int64_t vectors, uint32_t* to) {
    for (int64_t k = 0; k < steps; k++) {
        for (int64_t v = 0; v < vectors; v++) {
            put(to + k * panel + v * lanes, vector_at<Words>(from + k * stride + v * lanes));
        }
    }
}

#if defined(__AVX512BF16__)
inline void copy_steps(Paired, const uint32_t* from, int64_t stride, int64_t steps, int64_t vectors, uint32_t* to) {
    for (int64_t k = 0; k < steps; k++) {
        const auto* first = reinterpret_cast<const uint16_t*>(from + 2 * k * stride);
        const auto* second = reinterpret_cast<const uint16_t*>(from + (2 * k + 1) * stride);
        for (int64_t v = 0; v < vectors; v++) {
            const Words low = extend(vector_at<Halves>(first + v * lanes));
            const Words high = extend(vector_at<Halves>(second + v * lanes));
            put(to + k * panel + v * lanes, low | (high << 16));
        }
    }
}
#endif

// Panels [panels of the dimension][steps][panel]: a word holds what follows each other along the rows. `from` must hold
// zeros up to steps * depth rows.
template <class Word>
void pack_pairs(const uint32_t* from, int64_t steps, const Width<Word>& width, uint32_t* to) {
    for (int64_t p = 0; p < width.panels; p++) {
        copy_steps(Word(), from + p * panel / Word::depth, width.words, steps, width.vectors(p), to + p * steps * panel);
    }
}

inline void clear(uint32_t* words, int64_t count) { std::memset(words, 0, static_cast<size_t>(count) * sizeof(uint32_t)); }

}  // namespace
}  // namespace understudy
