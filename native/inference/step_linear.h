// The product with a packed matrix, and what follows it while its numbers are in the cache.
#pragma once

#include "inference/step.h"
#include "kernels/nf4_levels.h"
#include "kernels/vectors.h"

namespace understudy {
namespace {

constexpr int group = lanes == 16 ? 4 : 2;                       // vectors of one tile
constexpr int groups = static_cast<int>(panel_columns) / (group * lanes);
// Eight-bit codes become words in the first-level cache, this many at a time.
constexpr int64_t decoded_steps = 64;
// Far enough ahead that a panel read once comes at the rate of the memory.
constexpr int64_t prefetched = 24 * panel_columns;

template <class Word, int R>
void tile_product(Left a, const uint32_t* b, float* c, int64_t steps, bool add) {
    Floats sums[R][group];
#pragma GCC unroll 8
    for (int r = 0; r < R; r++) {
#pragma GCC unroll 4
        for (int v = 0; v < group; v++) {
            sums[r][v] = add ? load_floats(c + r * panel_columns + v * lanes) : Floats{};
        }
    }
    const uint32_t* left = a.words;
    for (int64_t k = 0; k < steps; k++) {
        Words right[group];
#pragma GCC unroll 4
        for (int v = 0; v < group; v++) {
            if (R <= 2) {
                __builtin_prefetch(b + v * lanes + prefetched, 0, 3);
            }
            right[v] = vector_at<Words>(b + v * lanes);
        }
#pragma GCC unroll 8
        for (int r = 0; r < R; r++) {
            const Words x = Words{} + left[r * a.row];
#pragma GCC unroll 4
            for (int v = 0; v < group; v++) {
                sums[r][v] = Word::multiply(sums[r][v], x, right[v]);
            }
        }
        left++;
        b += panel_columns;
    }
#pragma GCC unroll 8
    for (int r = 0; r < R; r++) {
#pragma GCC unroll 4
        for (int v = 0; v < group; v++) {
            store_floats(c + r * panel_columns + v * lanes, sums[r][v]);
        }
    }
}

using TileProduct = void (*)(Left, const uint32_t*, float*, int64_t, bool);

template <class Word>
constexpr TileProduct tile_products[tile_rows] = {tile_product<Word, 1>, tile_product<Word, 2>, tile_product<Word, 3>,
                                                  tile_product<Word, 4>, tile_product<Word, 5>, tile_product<Word, 6>};

// c [rows, 64] (+)= a b.
template <class Word>
inline void panel_product(int64_t rows, Left a, const uint32_t* b, float* c, int64_t steps, bool add) {
    for (int g = 0; g < groups; g++) {
        tile_products<Word>[rows - 1](a, b + g * group * lanes, c + g * group * lanes, steps, add);
    }
}

// Sixteen-bit words of codes that a bfloat16 holds exactly.
inline Floats whole_numbers(const int8_t* codes) {
#if UNDERSTUDY_LANES == 16
    return (Floats)_mm512_cvtepi32_ps(_mm512_cvtepi8_epi32(_mm_loadu_si128(reinterpret_cast<const __m128i*>(codes))));
#elif UNDERSTUDY_LANES == 8
    return (Floats)_mm256_cvtepi32_ps(_mm256_cvtepi8_epi32(_mm_loadl_epi64(reinterpret_cast<const __m128i*>(codes))));
#else
    Floats x;
    for (int i = 0; i < lanes; i++) {
        x[i] = codes[i];
    }
    return x;
#endif
}

// Pairs [first, first + count) of a panel of codes as words; float32 makes two steps of a pair.
template <class Word>
void decode(const int8_t* codes, int64_t first, int64_t count, uint32_t* words) {
    codes += first * 2 * panel_columns;
    for (int64_t k = 0; k < count; k++) {
        for (int64_t v = 0; v < panel_columns; v += lanes) {
            const Words low = (Words)whole_numbers(codes + v);
            const Words high = (Words)whole_numbers(codes + panel_columns + v);
            if (Word::depth == 2) {
                put(words + v, (low >> 16) | high);
            } else {
                put(words + v, low);
                put(words + panel_columns + v, high);
            }
        }
        codes += 2 * panel_columns;
        words += (Word::depth == 2 ? 1 : 2) * panel_columns;
    }
}

inline Words extend_bytes(const uint8_t* bytes) {
#if UNDERSTUDY_LANES == 16
    return (Words)_mm512_cvtepu8_epi32(_mm_loadu_si128(reinterpret_cast<const __m128i*>(bytes)));
#elif UNDERSTUDY_LANES == 8
    return (Words)_mm256_cvtepu8_epi32(_mm_loadl_epi64(reinterpret_cast<const __m128i*>(bytes)));
#else
    Words x;
    for (int i = 0; i < lanes; i++) {
        x[i] = bytes[i];
    }
    return x;
#endif
}

// Numbers from 0 to 15 to what they stand for.
inline Floats levels_of(Words codes) {
#if UNDERSTUDY_LANES == 16
    return _mm512_permutexvar_ps((__m512i)codes, _mm512_loadu_ps(nf4_levels));
#elif UNDERSTUDY_LANES == 8
    const __m256 low = _mm256_permutevar8x32_ps(_mm256_loadu_ps(nf4_levels), (__m256i)codes);
    const __m256 high = _mm256_permutevar8x32_ps(_mm256_loadu_ps(nf4_levels + 8), (__m256i)codes);
    return _mm256_blendv_ps(low, high, (__m256)(codes << 28));
#else
    Floats x;
    for (int i = 0; i < lanes; i++) {
        x[i] = nf4_levels[codes[i]];
    }
    return x;
#endif
}

// The same of NF4: numbers are rounded to the type of the words.
template <class Word>
void decode_nf4(const Panels& weight, const uint8_t* panel, int64_t first, int64_t count, uint32_t* words) {
    const auto* scales = reinterpret_cast<const float*>(panel + weight.inputs / 2 * panel_columns);
    for (int64_t k = first; k < first + count; k++) {
        const auto* bytes = panel + k * panel_columns;
        const auto* scale = scales + 2 * k / weight.block * panel_columns;
        for (int64_t v = 0; v < panel_columns; v += lanes) {
            const Words both = extend_bytes(bytes + v);
            const Floats size = load_floats(scale + v);
            const Floats low = levels_of(both >> 4) * size;
            const Floats high = levels_of(both & 15) * size;
            if (Word::depth == 2) {
                put(words + v, extend(narrow(low)) | (extend(narrow(high)) << 16));
            } else {
                put(words + v, low);
                put(words + panel_columns + v, high);
            }
        }
        words += (Word::depth == 2 ? 1 : 2) * panel_columns;
    }
}

// c [R, 64] = a b with a panel of codes that become words in registers: for a row or two the way through the cache would cost
// more than it saves.
template <class Word, int R>
void coded_product(Left a, const int8_t* panel, float* c, int64_t steps) {
    for (int g = 0; g < groups; g++) {
        Floats sums[R][group];
#pragma GCC unroll 2
        for (int r = 0; r < R; r++) {
#pragma GCC unroll 4
            for (int v = 0; v < group; v++) {
                sums[r][v] = Floats{};
            }
        }
        const auto* codes = panel + g * group * lanes;
        for (int64_t k = 0; k < steps; codes += 2 * panel_columns) {
            __builtin_prefetch(codes + prefetched, 0, 3);
            __builtin_prefetch(codes + panel_columns + prefetched, 0, 3);
            if (Word::depth == 2) {
#pragma GCC unroll 4
                for (int v = 0; v < group; v++) {
                    const Words low = (Words)whole_numbers(codes + v * lanes);
                    const Words high = (Words)whole_numbers(codes + panel_columns + v * lanes);
                    const Words right = (low >> 16) | high;
#pragma GCC unroll 2
                    for (int r = 0; r < R; r++) {
                        sums[r][v] = Word::multiply(sums[r][v], Words{} + a.words[r * a.row + k], right);
                    }
                }
                k++;
            } else {
                for (int half = 0; half < 2 && k < steps; half++, k++) {
#pragma GCC unroll 4
                    for (int v = 0; v < group; v++) {
                        const Words right = (Words)whole_numbers(codes + half * panel_columns + v * lanes);
#pragma GCC unroll 2
                        for (int r = 0; r < R; r++) {
                            sums[r][v] = Word::multiply(sums[r][v], Words{} + a.words[r * a.row + k], right);
                        }
                    }
                }
            }
        }
#pragma GCC unroll 2
        for (int r = 0; r < R; r++) {
#pragma GCC unroll 4
            for (int v = 0; v < group; v++) {
                store_floats(c + r * panel_columns + (g * group + v) * lanes, sums[r][v]);
            }
        }
    }
}

inline Floats sigmoid(Floats x) {
    const Floats small = exponential(x < 0 ? x : -x);
    return (x < 0 ? small : all(1.0f)) / (small + 1.0f);
}

// See kernels/activations.cpp for the approximation of the error function.
inline Floats gelu(Floats x) {
    const Floats size = x < 0 ? -x : x;
    const Floats near = size > 14.0f ? all(14.0f) : size;
    const Floats z = near * 0.70710678118654752f;
    const Floats t = 1.0f / (z * 0.3275911f + 1.0f);
    Floats q = t * -0.1444754324f + 0.5110150719f;
    q = q * t - 0.4314413297f;
    q = q * t + 0.4777733545f;
    q = q * t + 0.01173252104f;
    q = q * t + 0.2103300289f;
    q = q * t + 0.1799571117f;
    q = q * t + 0.1851086176f;
    const Floats tail = 0.5f * q * t * exponential(-0.5f * near * near);
    // NaN stays one: it is larger than nothing.
    const Floats below = x < 0 ? tail : 1.0f - tail;
    return x != x ? x : x * (size > 14.0f ? (x < 0 ? Floats{} : all(1.0f)) : below);
}

inline Floats activate(StepActivation kind, Floats x) {
    switch (kind) {
        case StepActivation::gelu: return gelu(x);
        case StepActivation::gelu_tanh: return x * sigmoid((x + x * x * x * 0.044715f) * 1.5957691216057308f);
        case StepActivation::silu: return x * sigmoid(x);
        case StepActivation::relu: return x < 0 ? Floats{} : x;
        case StepActivation::tanh: return sigmoid(x * 2.0f) * 2.0f - 1.0f;
        case StepActivation::quick_gelu: return x * sigmoid(x * 1.702f);
        case StepActivation::relu2: return x < 0 ? Floats{} : x * x;
        case StepActivation::sigmoid: return sigmoid(x);
        default: return x;
    }
}

// What the sums of a tile become, and where they go.
template <class Out>
void finish(const LinearTask& task, int64_t panel, int64_t row, int64_t rows, float* sums) {
    const auto column = panel * panel_columns;
    const auto& weight = *task.weight;
    const auto columns = weight.outputs - column < panel_columns ? weight.outputs - column : panel_columns;
    const bool whole = columns == panel_columns || task.whole_rows;
    for (int64_t r = 0; r < rows; r++) {
        auto* out = static_cast<Out*>(task.out) + (row + r) * task.out_row + column;
        auto* own = sums + r * panel_columns;
        for (int64_t v = 0; v < panel_columns; v += lanes) {
            Floats x = load_floats(own + v);
            if (weight.scales != nullptr) {
                x = x * load_floats(weight.scales + column + v);
            }
            if (weight.bias != nullptr) {
                x = x + load_floats(weight.bias + column + v);
            }
            if (task.beside != nullptr) {
                x = x + load_floats(task.beside + (row + r) * task.beside_row + column + v);
            }
            if (task.activation != StepActivation::none) {
                x = activate(task.activation, x);
            }
            if (whole) {
                store_floats(out + v, task.add ? load_floats(out + v) + x : x);
            } else {
                store_floats(own + v, x);
            }
        }
        if (!whole) {
            for (int64_t i = 0; i < columns; i++) {
                store_float(out + i, task.add ? load_float(out + i) + own[i] : own[i]);
            }
        }
    }
}

inline void finish(const LinearTask& task, int64_t panel, int64_t row, int64_t rows, float* sums) {
    if (task.out_narrow) {
        finish<uint16_t>(task, panel, row, rows, sums);
    } else {
        finish<float>(task, panel, row, rows, sums);
    }
}

// Rows [begin, end) of one panel.
template <class Word>
void linear(const LinearTask& task, int64_t panel, int64_t begin, int64_t end, StepScratch& scratch) {
    using Element = typename Word::Element;
    const auto& weight = *task.weight;
    const auto steps = (weight.inputs + Word::depth - 1) / Word::depth;
    const auto* data = weight.data + panel * weight.panel_bytes;
    const auto left = [&](int64_t row, int64_t step) {
        const auto* in = static_cast<const Element*>(task.in) + row * task.in_row;
        return Left{reinterpret_cast<const uint32_t*>(in) + step, task.in_row / Word::depth, 1};
    };
    if (weight.format != PanelFormat::int8 && weight.format != PanelFormat::nf4) {
        alignas(64) float sums[tile_rows * panel_columns];
        for (int64_t row = begin; row < end; row += tile_rows) {
            const auto rows = end - row < tile_rows ? end - row : tile_rows;
            panel_product<Word>(rows, left(row, 0), reinterpret_cast<const uint32_t*>(data), sums, steps, false);
            finish(task, panel, row, rows, sums);
        }
        return;
    }
    if (weight.format == PanelFormat::int8 && end - begin <= 2) {
        alignas(64) float sums[2 * panel_columns];
        (end - begin == 1 ? coded_product<Word, 1> : coded_product<Word, 2>)(left(begin, 0), reinterpret_cast<const int8_t*>(data), sums, steps);
        finish(task, panel, begin, end - begin, sums);
        return;
    }
    auto* sums = static_cast<float*>(step_scratch(scratch, static_cast<size_t>((end - begin) * panel_columns + decoded_steps * panel_columns) * sizeof(float)));
    auto* words = reinterpret_cast<uint32_t*>(sums + (end - begin) * panel_columns);
    constexpr int64_t pairs_at_once = Word::depth == 2 ? decoded_steps : decoded_steps / 2;
    const auto pairs = (weight.inputs + 1) / 2;
    for (int64_t pair = 0; pair < pairs; pair += pairs_at_once) {
        const auto count = pairs - pair < pairs_at_once ? pairs - pair : pairs_at_once;
        if (weight.format == PanelFormat::nf4) {
            __builtin_prefetch(data + (pair + count) * panel_columns, 0, 3);
            decode_nf4<Word>(weight, data, pair, count, words);
        } else {
            __builtin_prefetch(data + (pair + count) * 2 * panel_columns, 0, 3);
            decode<Word>(reinterpret_cast<const int8_t*>(data), pair, count, words);
        }
        const auto step = Word::depth == 2 ? pair : 2 * pair;
        const auto decoded = (Word::depth == 2 ? count : 2 * count);
        const auto used = steps - step < decoded ? steps - step : decoded;
        for (int64_t row = begin; row < end; row += tile_rows) {
            const auto rows = end - row < tile_rows ? end - row : tile_rows;
            panel_product<Word>(rows, left(row, step), words, sums + (row - begin) * panel_columns, used, pair > 0);
        }
    }
    for (int64_t row = begin; row < end; row += tile_rows) {
        const auto rows = end - row < tile_rows ? end - row : tile_rows;
        finish(task, panel, row, rows, sums + (row - begin) * panel_columns);
    }
}

}  // namespace
}  // namespace understudy
