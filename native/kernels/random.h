// Random numbers that depend on a seed and a place alone: what an element gets does not depend on how elements fall to
// threads, and a backward pass makes a dropout mask again instead of keeping it.
#pragma once

#include "kernels/simd.h"

namespace understudy {

struct RandomPair {
    uint32_t first;
    uint32_t second;
};

// Two 32-bit numbers of one place: Philox2x32 with 10 rounds (Salmon et al., SC 2011).
UNDERSTUDY_INLINE RandomPair random_pair(uint64_t seed, uint32_t place) {
    uint32_t left = place;
    uint32_t right = static_cast<uint32_t>(seed >> 32);
    uint32_t key = static_cast<uint32_t>(seed);
    for (int round = 0; round < 10; round++) {
        const uint64_t product = static_cast<uint64_t>(0xD256D193u) * left;
        left = static_cast<uint32_t>(product >> 32) ^ key ^ right;
        right = static_cast<uint32_t>(product);
        key += 0x9E3779B9u;
    }
    return {left, right};
}

// A number below this is dropped with the given probability.
UNDERSTUDY_INLINE uint32_t drop_below(double probability) {
    const double limit = probability * 4294967296.0;
    return limit >= 4294967295.0 ? 0xFFFFFFFFu : static_cast<uint32_t>(limit);
}

}  // namespace understudy
