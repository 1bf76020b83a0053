using System.Text.Json;
using Understudy.Models;
using Understudy.Recipes;
using Understudy.Runs;
using Understudy.Torch;
using Understudy.Training;

namespace Understudy.Tests.Recipes;

/// <summary>Adapters on a base in few bits.</summary>
[Collection(LiveTensors.Name)]
public sealed class QuantizedTeacherTests
{
    [Fact]
    public void An_adapter_is_tuned_on_a_base_in_4_bits_and_used_on_one()
    {
        using var folder = new TemporaryFolder();
        var options = DistillTests.Options(folder);
        options = options with
        {
            Teacher = options.Teacher with
            {
                Lora = new LoraOptions { R = 4, LoraAlpha = 8, BaseQuantization = WeightQuantization.Nf4 },
                Tune = options.Teacher.Tune with { Epochs = 16, LearningRate = 2e-2, LogEvery = 1 },
            },
            Students = [],
            Arms = [RunArm.Annotated],
        };
        DistillTests.Run(options, folder["run"], null);
        var adapter = Path.Combine(folder["run"], "models", "teacher-adapter");
        Assert.Equal(WeightQuantization.Nf4, AdaptedModel.Holding(adapter, Device.CPU).Quantization);
        Assert.NotEmpty(DistillTests.Rows(folder["run"], "annotated"));
        var losses = File.ReadLines(Path.Combine(folder["run"], "metrics.jsonl")).Select(line => JsonDocument.Parse(line).RootElement)
            .Where(line => line.GetProperty("stage").GetString() == "tune" && line.TryGetProperty("loss", out _)).Select(line => line.GetProperty("loss").GetDouble()).ToList();
        Assert.True(losses[^1] < losses[0] - 0.2, $"{losses[0]} to {losses[^1]}");

        // Measured on its base, in full and in 4 bits.
        File.WriteAllText(folder["text.txt"], "wake me up at nine tomorrow, and play some jazz then\n");
        var figures = Perplexity.Run(adapter, folder["text.txt"], new PerplexityOptions(), Device.CPU, RunProgress.None).Figures;
        var alone = Perplexity.Run(AdapterFolder.BaseOf(adapter), folder["text.txt"], new PerplexityOptions(), Device.CPU, RunProgress.None).Figures;
        Assert.Equal(["float32", "nf4"], figures.Select(figure => figure.Weights));
        Assert.All(figures.Zip(alone), pair => Assert.NotEqual(pair.First.Loss, pair.Second.Loss));
    }

    [Theory]
    [InlineData(WeightQuantization.Nf4)]
    [InlineData(WeightQuantization.Int8)]
    public void A_step_changes_the_adapter_alone_and_leaves_no_tensor_behind(WeightQuantization quantization)
    {
        var folder = Path.Combine(Repository.Root, "tests", "Understudy.Tests", "Fixtures", "models", "llama");
        using var model = AutoModel.LoadCausalLanguageModel(folder, new LoadOptions { Quantization = quantization });
        using var lora = new LoraModel(model);
        var adapter = lora.Add(new LoraConfig { R = 4 }, 1);
        using var optimizer = new AdamW(adapter.Parameters, 0);
        var before = model.Parameters.Select(parameter => Sum(parameter.Value)).ToList();
        var losses = new List<double>();
        Assert.Equal(0, LiveTensors.Left(() =>
        {
            using var scope = torch.NewDisposeScope();
            model.Training = true;
            var ids = torch.tensor(new long[] { 3, 5, 8, 13, 21, 34, 3, 5, 8, 13, 21, 34 }, 2, 6);
            var loss = Losses.NextTokenSum(model.Logits(model.Hidden(ids)), ids);
            loss.backward();
            losses.Add(loss.item<double>());
            optimizer.Step(1e-2);
            optimizer.ZeroGrad();
        }));
        Assert.True(losses[1] < losses[0]);
        Assert.Equal(before, model.Parameters.Select(parameter => Sum(parameter.Value)));
    }

    private static double Sum(Tensor tensor)
    {
        using var scope = torch.NewDisposeScope();
        return tensor.detach().to(ScalarType.Float64).sum().item<double>();
    }
}
