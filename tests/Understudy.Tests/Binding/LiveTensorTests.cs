using Understudy.Models;
using Understudy.Torch;
using Understudy.Training;

namespace Understudy.Tests.Binding;

[Collection(LiveTensors.Name)]
public sealed class LiveTensorTests
{
    [Fact]
    public void The_counter_counts_what_dotnet_holds()
    {
        Assert.Equal(0, LiveTensors.Left(() =>
        {
            var before = Tensor.TotalCount;
            using var scope = torch.NewDisposeScope();
            var x = torch.ones([3]);
            _ = x + x;
            Assert.Equal(2, Tensor.TotalCount - before);
        }));
        var kept = new List<Tensor>();
        Assert.Equal(1, LiveTensors.Left(() => kept.Add(torch.ones([1]))));
        kept.ForEach(tensor => tensor.Dispose());
    }

    [Fact]
    public void An_operation_that_fails_leaves_no_tensor() => Assert.Equal(0, LiveTensors.Left(() =>
    {
        using var scope = torch.NewDisposeScope();
        Assert.Throws<TorchException>(() => torch.ones([2, 3]).matmul(torch.ones([2, 3])));
    }));

    [Fact]
    public void A_thousand_steps_end_with_the_memory_that_fifty_had()
    {
        // What the runtime compiles and sets aside for garbage takes 14 MB; one lost tensor of logits a step would take 90 MB.
        const int MaxGrowthBytes = 28 << 20;
        var config = new GptNeoxConfig { VocabSize = 64, HiddenSize = 32, NumHiddenLayers = 2, NumAttentionHeads = 2, IntermediateSize = 64, MaxPositionEmbeddings = 32 };
        using var model = new GptNeoxForCausalLM(config, new RandomParameters(1));
        using var optimizer = new AdamW(model.Parameters, 0.1);
        var (live, resident) = (0L, 0L);
        for (var step = 1; step <= 1000; step++)
        {
            using (torch.NewDisposeScope())
            {
                // Lengths change, as they do in a training: memory kept for one must serve the others.
                var tokens = 16 + (step % 16);
                var ids = torch.arange(16 * tokens).view(16, tokens) * step;
                ids = ids - (torch.full([1], 64, ScalarType.Int64) * (ids.to(ScalarType.Float64) / 64).to(ScalarType.Int64));
                using (step % 2 == 0 ? torch.autocast(ScalarType.BFloat16) : null)
                {
                    var loss = Losses.NextTokenSum(model.Logits(model.Hidden(ids)), ids) / Losses.NextTokenWeight(ids);
                    loss.backward();
                }

                optimizer.Step(1e-3, AdamW.ClipScale(optimizer.GradNorm(), 1));
                optimizer.ZeroGrad();
            }

            if (step == 50)
            {
                (live, resident) = (Tensor.TotalCount, Resident());
            }
        }

        Assert.Equal(live, Tensor.TotalCount);
        Assert.InRange(Resident() - resident, long.MinValue, MaxGrowthBytes);
    }

    private static long Resident()
    {
        GC.Collect();
        GC.WaitForPendingFinalizers();
        var line = File.ReadLines("/proc/self/status").First(line => line.StartsWith("VmRSS:", StringComparison.Ordinal));
        return 1024 * long.Parse(line.Split(' ', StringSplitOptions.RemoveEmptyEntries)[1], System.Globalization.CultureInfo.InvariantCulture);
    }
}
