using Understudy.Runs;
using Understudy.Torch;

namespace Understudy.Tests.Binding;

[Collection(LiveTensors.Name)]
public sealed class KeptMemoryTests
{
    [Fact]
    public void What_is_kept_of_freed_tensors_goes_back_to_the_system()
    {
        const long Bytes = 256L << 20;
        using (var scope = torch.NewDisposeScope())
        {
            for (var i = 0; i < 8; i++) _ = torch.ones([Bytes / 8 / 4]);
        }

        var kept = MachineMemory.Resident;
        torch.empty_cache();
        Assert.True(MachineMemory.Resident < kept - (Bytes / 2));
        using var again = torch.ones([1000]);
        Assert.Equal(1000f, again.sum().item<float>());
    }
}
