// NF4, the 4-bit type of QLoRA (Dettmers et al., arXiv 2305.14314, appendix E), bit for bit as bitsandbytes 0.50 makes
// it on the CPU: its levels, its roundings, and the order in which it adds. Compiled without contraction: a fused
// multiply-add rounds once where bitsandbytes rounds twice.
#include "kernels/nf4_levels.h"
#include "kernels/quantized.h"
#include "kernels/simd.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <limits>
#include <vector>

#if defined(__x86_64__) && defined(__GNUC__) && !defined(__clang__) && __GNUC__ >= 12
#include <immintrin.h>
#define UNDERSTUDY_WIDE 1
#endif

namespace understudy {

namespace {

constexpr const auto& levels = nf4_levels;

constexpr int64_t map_size = 256;
constexpr int64_t grain = 32768;

// The two levels of each byte: the number that comes first is in the high half.
const std::array<float, 512>& pairs() {
    static const auto table = [] {
        std::array<float, 512> made{};
        for (size_t byte = 0; byte < 256; byte++) {
            made[2 * byte] = levels[byte >> 4];
            made[2 * byte + 1] = levels[byte & 15];
        }
        return made;
    }();
    return table;
}

UNDERSTUDY_INLINE float magnitude(float value) { return bits_to_float(float_to_bits(value) & 0x7FFFFFFFu); }

// A block as float32 times the reciprocal of its scale, and the nearest level of each: the lower one of two as near,
// level 0 for what is no number, which in a block of zeros is all of it.
UNDERSTUDY_SIMD void nearest_levels(const float* scaled, uint8_t* codes, int64_t count) {
#pragma omp simd
    for (int64_t i = 0; i < count; i++) {
        float x = scaled[i];
        x = x < -1.0f ? -1.0f : x;
        x = x > 1.0f ? 1.0f : x;
        float best = magnitude(x - levels[0]);
        int32_t code = 0;
        for (int32_t k = 1; k < 16; k++) {
            const float distance = magnitude(x - levels[static_cast<size_t>(k)]);
            code = distance < best ? k : code;
            best = distance < best ? distance : best;
        }
        codes[i] = static_cast<uint8_t>(code);
    }
}

// The largest magnitude, or NaN when there is one.
UNDERSTUDY_SIMD float largest_of(const float* values, int64_t count) {
    float largest = 0;
    int32_t undefined = 0;
#pragma omp simd reduction(max : largest) reduction(| : undefined)
    for (int64_t i = 0; i < count; i++) {
        const float size = magnitude(values[i]);
        largest = size > largest ? size : largest;
        undefined |= size != size;
    }
    return undefined ? std::numeric_limits<float>::quiet_NaN() : largest;
}

// bitsandbytes widens a 16-bit matrix before it scales it, but for a last block that is not full, which it scales in
// 16 bits: there the scale has no dimension and so no say in the type.
template <class T>
float rounded(float value) {
    return static_cast<float>(static_cast<T>(value));
}

template <class T>
void quantize_blocks(const T* values, int64_t count, int64_t block, uint8_t* packed, float* scales) {
    const auto blocks = (count + block - 1) / block;
    at::parallel_for(0, blocks, std::max<int64_t>(1, grain / block), [&](int64_t begin, int64_t end) {
        std::vector<float> scaled(static_cast<size_t>(block));
        std::vector<uint8_t> codes(static_cast<size_t>(block));
        for (int64_t b = begin; b < end; b++) {
            const auto first = b * block;
            const auto size = std::min(block, count - first);
            for (int64_t i = 0; i < size; i++) {
                scaled[static_cast<size_t>(i)] = static_cast<float>(values[first + i]);
            }
            scales[b] = largest_of(scaled.data(), size);
            const float reciprocal = 1.0f / scales[b];
            for (int64_t i = 0; i < size; i++) {
                auto& x = scaled[static_cast<size_t>(i)];
                x *= reciprocal;
                x = size < block ? rounded<T>(x) : x;
            }
            nearest_levels(scaled.data(), codes.data(), size);
            for (int64_t i = 0; i < size; i += 2) {
                // An odd count is filled up with a zero.
                const auto second = i + 1 < size ? codes[static_cast<size_t>(i + 1)] : uint8_t{7};
                packed[(first + i) / 2] = static_cast<uint8_t>((codes[static_cast<size_t>(i)] << 4) | second);
            }
        }
    });
}

// The mean as PyTorch adds on a processor with 8 lanes: 4 rows of 8 sums, kept in levels so that a sum never grows
// far beyond what is added to it. Its bytes are in every checkpoint, so they must not depend on this processor.
float mean_of(const float* values, int64_t count) {
    constexpr int64_t lanes = 8, rows = 4, depth = 4;
    const auto vectors = count / lanes;
    const auto steps = vectors / rows;
    int64_t power = 0;
    while ((int64_t{1} << power) < steps) {
        power++;
    }
    const auto level_power = std::max<int64_t>(4, power / depth);
    const auto level_step = int64_t{1} << level_power;
    float sums[depth][rows][lanes] = {};
    const auto add = [&](int64_t level, int64_t row, const float* from) {
        for (int64_t lane = 0; lane < lanes; lane++) {
            sums[level][row][lane] += from[lane];
        }
    };
    const auto step = [&](int64_t i) {
        for (int64_t row = 0; row < rows; row++) {
            add(0, row, values + (i * rows + row) * lanes);
        }
    };
    int64_t i = 0;
    while (i + level_step <= steps) {
        for (int64_t j = 0; j < level_step; j++, i++) {
            step(i);
        }
        for (int64_t level = 1; level < depth; level++) {
            for (int64_t row = 0; row < rows; row++) {
                add(level, row, sums[level - 1][row]);
                std::fill_n(sums[level - 1][row], lanes, 0.0f);
            }
            if ((i & ((level_step - 1) << (level * level_power))) != 0) {
                break;
            }
        }
    }
    for (; i < steps; i++) {
        step(i);
    }
    for (int64_t level = 1; level < depth; level++) {
        for (int64_t row = 0; row < rows; row++) {
            add(0, row, sums[level][row]);
        }
    }
    for (int64_t v = steps * rows; v < vectors; v++) {
        add(0, 0, values + v * lanes);
    }
    for (int64_t row = 1; row < rows; row++) {
        add(0, 0, sums[0][row]);
    }
    float total = 0;
    for (int64_t k = vectors * lanes; k < count; k++) {
        total += values[k];
    }
    for (int64_t lane = 0; lane < lanes; lane++) {
        total += sums[0][0][lane];
    }
    return total / static_cast<float>(count);
}

// The dynamic 8-bit type (Dettmers, arXiv 1511.04561 and 2110.02861): 7 decades, each with twice as many fractions as
// the one below it. The boundaries are torch.linspace's, which counts from the nearer end and fuses.
const std::array<float, map_size>& dynamic_map() {
    static const auto map = [] {
        std::array<float, map_size> made{};
        size_t next = 0;
        for (int decade = 0; decade < 7; decade++) {
            const int items = (1 << decade) + 1;
            const float step = (1.0f - 0.1f) / static_cast<float>(items - 1);
            const auto boundary = [&](int i) {
                return i < items / 2 ? std::fma(step, static_cast<float>(i), 0.1f)
                                     : std::fma(-step, static_cast<float>(items - i - 1), 1.0f);
            };
            const auto size = static_cast<float>(std::pow(10.0, decade - 6));
            for (int i = 0; i + 1 < items; i++) {
                const float mean = (boundary(i) + boundary(i + 1)) / 2.0f;
                made[next++] = size * mean;
                made[next++] = -size * mean;
            }
        }
        made[next++] = 0.0f;
        made[next++] = 1.0f;
        std::sort(made.begin(), made.end());
        return made;
    }();
    return map;
}

constexpr int64_t bins = 65536;

// The nearest entry of the map for each of 65,536 places between -1 and 1: what bitsandbytes looks a value up by,
// so that one near the middle of two entries may get the farther.
const std::vector<uint8_t>& bin_codes() {
    static const auto codes = [] {
        const auto& map = dynamic_map();
        std::vector<uint8_t> made(static_cast<size_t>(bins));
        size_t code = 0;
        for (int64_t bin = 0; bin < bins; bin++) {
            const float value = -1.0f + (2.0f * static_cast<float>(bin)) / static_cast<float>(bins - 1);
            while (code + 1 < map.size() && 0.5f * (map[code] + map[code + 1]) < value) {
                code++;
            }
            made[static_cast<size_t>(bin)] = static_cast<uint8_t>(code);
        }
        return made;
    }();
    return codes;
}

void quantize_dynamic(const float* values, int64_t count, int64_t block, uint8_t* out, float* scales) {
    const auto& codes = bin_codes();
    for (int64_t first = 0; first < count; first += block) {
        const auto end = std::min(first + block, count);
        float largest = 0;
        for (int64_t i = first; i < end; i++) {
            largest = std::max(largest, std::fabs(values[i]));
        }
        scales[first / block] = largest;
        const float reciprocal = 1.0f / largest;
        for (int64_t i = first; i < end; i++) {
            float x = values[i] * reciprocal;
            x = x < -1.0f ? -1.0f : x > 1.0f ? 1.0f : x;
            const float place = (x + 1.0f) * 0.5f * static_cast<float>(bins - 1) + 0.5f;
            // Where there is nothing but zeros, and for what is no number, the first entry.
            out[i] = x == x ? codes[static_cast<size_t>(place)] : uint8_t{0};
        }
    }
}

void unpack_narrow(const uint8_t* bytes, int64_t count, float scale, float* out) {
    const auto& table = pairs();
    for (int64_t i = 0; i < count; i++) {
        const auto* pair = table.data() + 2 * static_cast<size_t>(bytes[i]);
        out[2 * i] = pair[0] * scale;
        out[2 * i + 1] = pair[1] * scale;
    }
}

#if defined(UNDERSTUDY_WIDE)
// The 16 levels fit one register of AVX-512, which looks 16 codes up in it at once. No compiler makes that of a loop.
__attribute__((target("arch=x86-64-v4"))) void unpack_wide(const uint8_t* bytes, int64_t count, float scale, float* out) {
    const __m512 table = _mm512_mul_ps(_mm512_loadu_ps(levels), _mm512_set1_ps(scale));
    const __m128i low = _mm_set1_epi16(15);
    // With a mask of all, since GCC 12 takes the plain ones' unused operand for a use of what is not set.
    const __mmask16 every = 0xFFFF;
    int64_t i = 0;
    for (; i + 8 <= count; i += 8) {
        const __m128i wide = _mm_cvtepu8_epi16(_mm_loadl_epi64(reinterpret_cast<const __m128i*>(bytes + i)));
        const __m128i halves = _mm_or_si128(_mm_srli_epi16(wide, 4), _mm_slli_epi16(_mm_and_si128(wide, low), 8));
        _mm512_storeu_ps(out + 2 * i, _mm512_maskz_permutexvar_ps(every, _mm512_maskz_cvtepu8_epi32(every, halves), table));
    }
    unpack_narrow(bytes + i, count - i, scale, out + 2 * i);
}
#endif

void unpack_bytes(const uint8_t* bytes, int64_t count, float scale, float* out) {
#if defined(UNDERSTUDY_WIDE)
    static const bool wide = __builtin_cpu_supports("x86-64-v4");
    if (wide) {
        unpack_wide(bytes, count, scale, out);
        return;
    }
#endif
    unpack_narrow(bytes, count, scale, out);
}

}  // namespace

void unpack_nf4(const uint8_t* codes, const float* scales, int64_t block, int64_t first, int64_t count, float* out) {
    for (int64_t done = 0; done < count;) {
        const auto at = first + done;
        const auto size = std::min(block - at % block, count - done);
        const float scale = scales[at / block];
        unpack_bytes(codes + at / 2, size / 2, scale, out + done);
        if (size % 2 != 0) {
            out[done + size - 1] = levels[codes[(at + size - 1) / 2] >> 4] * scale;
        }
        done += size;
    }
}

at::Tensor nf4_pairs(const at::TensorOptions& options) {
    const auto& table = pairs();
    return at::from_blob(const_cast<float*>(table.data()), {256, 2}, at::kFloat).to(options.dtype(at::kFloat));
}

}  // namespace understudy

using namespace understudy;

// source: a matrix or any other tensor, read in row-major order; codes [ceil(n / 2), 1] uint8, scales [blocks] float32,
// both on the CPU. An even block.
UNDERSTUDY_API int32_t understudy_nf4_quantize(ConstHandle source, int64_t block, Handle* codes, Handle* scales) {
    return status_of([&] {
        c10::NoGradGuard no_grad;
        TORCH_CHECK(block >= 2 && block % 2 == 0, "a block has ", block, " numbers; expected an even count of at least 2");
        TORCH_CHECK(source->is_floating_point(), "a matrix of ", source->scalar_type(), " cannot be quantised; expected floating point");
        auto values = source->detach().to(at::kCPU).contiguous();
        if (values.scalar_type() == at::kDouble) {
            values = values.to(at::kFloat);
        }
        const auto count = values.numel();
        auto packed = at::empty({(count + 1) / 2, 1}, at::kByte);
        auto sizes = at::empty({(count + block - 1) / block}, at::kFloat);
        auto* to = packed.data_ptr<uint8_t>();
        auto* size = sizes.data_ptr<float>();
        if (values.scalar_type() == at::kBFloat16) {
            quantize_blocks(values.data_ptr<c10::BFloat16>(), count, block, to, size);
        } else if (values.scalar_type() == at::kHalf) {
            quantize_blocks(values.data_ptr<c10::Half>(), count, block, to, size);
        } else {
            quantize_blocks(values.data_ptr<float>(), count, block, to, size);
        }
        *codes = wrap(std::move(packed));
        *scales = wrap(std::move(sizes));
    });
}

// Double quantisation: scales [n] float32 less their mean, in 8 bits with a scale of its own for every block.
UNDERSTUDY_API int32_t understudy_nf4_quantize_scales(ConstHandle scales, int64_t block, Handle* codes, Handle* nested_scales,
                                                      Handle* map, double* offset) {
    return status_of([&] {
        c10::NoGradGuard no_grad;
        const auto values = scales->detach().to(at::kCPU, at::kFloat).contiguous();
        const auto count = values.numel();
        const float mean = mean_of(values.data_ptr<float>(), count);
        const auto rest = values - mean;
        auto packed = at::empty({count}, at::kByte);
        auto sizes = at::empty({(count + block - 1) / block}, at::kFloat);
        quantize_dynamic(rest.data_ptr<float>(), count, block, packed.data_ptr<uint8_t>(), sizes.data_ptr<float>());
        *offset = mean;
        *codes = wrap(std::move(packed));
        *nested_scales = wrap(std::move(sizes));
        *map = wrap(at::from_blob(const_cast<float*>(dynamic_map().data()), {map_size}, at::kFloat).clone());
    });
}

// The 16 levels, [16] float32.
UNDERSTUDY_API Handle understudy_nf4_levels() {
    return tensor_of([&] { return at::from_blob(const_cast<float*>(levels), {16}, at::kFloat).clone(); });
}
