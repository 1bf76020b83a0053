using Understudy.Runs;

namespace Understudy.Tests.Runs;

public sealed class MachineMemoryTests
{
    [Fact]
    public void What_is_free_is_a_part_of_all()
    {
        var memory = MachineMemory.Read();
        Assert.InRange(memory.Free, 1L << 20, memory.Total);
        Assert.Contains(memory.Limit, new[] { "machine", "control group" });
        Assert.InRange(MachineMemory.Resident, 1L << 20, memory.Total);
    }

    [Fact]
    public void The_peak_begins_anew()
    {
        const int Bytes = 256 << 20;
        Assert.True(MachineMemory.ForgetPeak());
        var before = MachineMemory.Peak;
        Take();
        Assert.True(MachineMemory.Peak >= before + (Bytes / 2));

        static void Take()
        {
            var block = System.Runtime.InteropServices.Marshal.AllocHGlobal(Bytes);
            for (var at = 0; at < Bytes; at += 4096) System.Runtime.InteropServices.Marshal.WriteByte(block, at, 1);
            System.Runtime.InteropServices.Marshal.FreeHGlobal(block);
        }
    }
}
