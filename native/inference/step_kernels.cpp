#include "inference/step_kernels.h"

#include "kernels/isa.h"

#include <new>

namespace understudy {

void* step_scratch(StepScratch& scratch, size_t bytes) {
    if (scratch.bytes < bytes) {
        void* memory = nullptr;
        if (posix_memalign(&memory, 64, bytes) != 0) {
            throw std::bad_alloc();
        }
        scratch.memory.reset(memory);
        scratch.bytes = bytes;
    }
    return scratch.memory.get();
}

StepKernels step_kernels(bool narrow) {
    const auto set = [] {
        switch (isa()) {
#if UNDERSTUDY_X86
            case Isa::avx512_bf16: return step_avx512_bf16();
            case Isa::avx512: return step_avx512();
            case Isa::avx2: return step_avx2();
#endif
            default: return step_portable();
        }
    }();
    return narrow ? set.narrow : set.wide;
}

}  // namespace understudy
