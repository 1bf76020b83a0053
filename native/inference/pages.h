// The memory of a cache of keys and values.
#pragma once

#include "inference/step.h"

#include <memory>
#include <vector>

namespace understudy {

struct Pages {
    PageStore store;  // slabs points into slab_addresses
    int64_t layers = 0;
    int64_t key_heads = 0;
    int64_t dim = 0;
    bool narrow = false;
    int64_t reserved = 0;  // pages that there is memory for
    std::vector<std::shared_ptr<void>> slabs;
    std::vector<uint8_t*> slab_addresses;
};

}  // namespace understudy
