#define UNDERSTUDY_LANES 16
#include "kernels/attention_backward.h"

namespace understudy {

AttentionKernels attention_avx512_bf16() {
    return {forward<float, Single>, backward<float, Single>, forward<uint16_t, Paired>, backward<uint16_t, Paired>};
}

}  // namespace understudy
