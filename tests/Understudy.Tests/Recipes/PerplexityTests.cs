using Understudy.Cli.Verbs;
using Understudy.Models;
using Understudy.Recipes;
using Understudy.Runs;
using Understudy.Torch;
using Understudy.Training;

namespace Understudy.Tests.Recipes;

public sealed class PerplexityTests : IDisposable
{
    private const string Text = "the quick brown fox jumps over the lazy dog\n\nand the dog, being lazy, does not so much as look up\n";

    private readonly TemporaryFolder folder = new();

    public PerplexityTests()
    {
        var config = new GptNeoxConfig { VocabSize = 901, HiddenSize = 64, NumHiddenLayers = 2, NumAttentionHeads = 2, IntermediateSize = 128, MaxPositionEmbeddings = 32 };
        using (var model = new GptNeoxForCausalLM(config, new RandomParameters(1, 0.1)))
            PretrainedFolder.Save(model, folder["model"]);
        File.Copy("Fixtures/tokenizers/roberta-style/tokenizer.json", folder["model/tokenizer.json"]);
        File.WriteAllText(folder["text.txt"], Text);
    }

    public void Dispose() => folder.Dispose();

    [Theory]
    [InlineData(10, 4, 2)]
    [InlineData(10, 4, 4)]
    [InlineData(7, 3, 1)]
    [InlineData(2, 8, 4)]
    [InlineData(100, 16, 16)]
    public void Every_token_but_the_first_is_predicted_once_and_from_enough(int tokens, int context, int stride)
    {
        var windows = Perplexity.Windows(tokens, context, stride).ToList();
        Assert.Equal(Enumerable.Range(1, tokens - 1), windows.SelectMany(window => Enumerable.Range(window.From, window.End - window.From)));
        Assert.All(windows, window =>
        {
            Assert.InRange(window.End - window.Begin, 2, context);
            Assert.True(window.Begin < window.From);
            Assert.True(window.Begin == 0 || window.From - window.Begin >= Math.Min(context - stride, context - 1));
        });
    }

    [Fact]
    public void A_text_in_one_window_has_the_loss_of_a_training_step()
    {
        var result = Run(new PerplexityOptions { MaxTokens = 20, Quantization = WeightQuantization.None });
        using var model = AutoModel.LoadCausalLanguageModel(folder["model"]);
        using var scope = torch.NewDisposeScope();
        var ids = new List<int>();
        Understudy.Tokenization.Tokenizer.FromFolder(folder["model"]).EncodeIds(Text, ids);
        var tokens = torch.tensor(ids.Take(20).Select(id => (long)id).ToArray(), 1, 20);
        using var gradients = torch.no_grad();
        var expected = Losses.NextTokenSum(model.Logits(model.Hidden(tokens)), tokens).item<double>() / 19;
        var figures = Assert.Single(result.Figures);
        Assert.Equal((19, 32, 16, "float32"), (result.Tokens, result.Context, result.Stride, figures.Weights));
        Assert.Equal(expected, figures.Loss, 1e-5);
        Assert.Equal(Math.Exp(expected), figures.Perplexity, 1e-2);
        Assert.Equal(expected * 19 / Math.Log(2) / result.Bytes, figures.BitsPerByte, 1e-5);
    }

    [Theory]
    [InlineData(WeightQuantization.Nf4, "nf4", 0.5)]
    [InlineData(WeightQuantization.Int8, "int8", 0.6)]
    public void Fewer_bits_take_less_memory_and_change_the_figures_a_little(WeightQuantization quantization, string name, double most)
    {
        var result = Run(new PerplexityOptions { Quantization = quantization, Context = 16 });
        var (before, after) = (result.Figures[0], result.Figures[1]);
        Assert.Equal(("float32", name), (before.Weights, after.Weights));
        Assert.NotEqual(before.Loss, after.Loss);
        Assert.InRange(after.Loss / before.Loss, 0.9, 1.1);
        // Embeddings stay: 2 x 901 x 64 of the weights.
        const long Embeddings = 2 * 901 * 64 * sizeof(float);
        Assert.InRange((after.WeightBytes - Embeddings) / (double)(before.WeightBytes - Embeddings), 0.1, most);
        var table = PerplexityVerb.Table(result).Split('\n');
        Assert.StartsWith($"{result.Tokens} tokens, {result.Bytes} bytes, context 16, stride 8", table[0], StringComparison.Ordinal);
        Assert.Matches(@"^ +weights +perplexity +bits per byte +tokens/s$", table[1]);
        Assert.Matches($@"^{name} +[0-9.]+ KiB +[0-9.]+ +[0-9.]+ +[0-9,]+$", table[3]);
        Assert.Matches(@"^change +-[0-9.]+% +[+-][0-9.]+% +[+-][0-9.]+ +[+-][0-9.,]+%$", table[4]);
    }

    [Fact]
    public void A_model_written_in_4_bits_measures_as_one_quantised_when_it_was_loaded()
    {
        File.WriteAllText(Path.Combine(folder["model"], "chat_template.jinja"), "{{ messages }}");
        var (before, after) = Quantize.Run(folder["model"], folder["small"]);
        Assert.True(after < before);
        Assert.Equal("{{ messages }}", File.ReadAllText(Path.Combine(folder["small"], "chat_template.jinja")));
        var loaded = Run(new PerplexityOptions());
        var stored = Perplexity.Run(folder["small"], folder["text.txt"], new PerplexityOptions(), Device.CPU, RunProgress.None);
        var figures = Assert.Single(stored.Figures);
        Assert.Equal("nf4", figures.Weights);
        Assert.Equal(loaded.Figures[1].Loss, figures.Loss);
    }

    [Theory]
    [InlineData("model/")]
    [InlineData("link-to-model")]
    [InlineData("another-model")]
    [InlineData("text.txt")]
    public void Nothing_that_is_there_is_overwritten_with_a_model_in_4_bits(string output)
    {
        Directory.CreateSymbolicLink(folder["link-to-model"], folder["model"]);
        Directory.CreateDirectory(folder["another-model"]);
        File.WriteAllText(Path.Combine(folder["another-model"], "config.json"), "{}");
        var before = File.ReadAllBytes(Path.Combine(folder["model"], "model.safetensors"));
        Assert.Equal($"{folder[output]} is there already. Choose another folder, so that nothing of yours is overwritten.", Assert.Throws<InvalidDataException>(() => Quantize.Run(folder["model"], folder[output])).Message);
        Assert.Equal(before, File.ReadAllBytes(Path.Combine(folder["model"], "model.safetensors")));
    }

    [Fact]
    public void What_cannot_be_measured_says_why()
    {
        File.WriteAllText(folder["empty.txt"], "");
        Assert.EndsWith("empty.txt has 1 token(s); expected at least two, of which the second is predicted from the first.", Assert.Throws<InvalidDataException>(() => Perplexity.Run(folder["model"], folder["empty.txt"], new PerplexityOptions { MaxTokens = 1 }, Device.CPU, RunProgress.None)).Message, StringComparison.Ordinal);
        var faults = Assert.Throws<RunFileException>(() => RunFile.Parse<PerplexityOptions>("", "command line", ["context=8", "stride=9", "block_size=48", "max_tokens=1"])).Message;
        Assert.Contains("expected at most the context, 8, found 9: tokens between two windows would not be predicted.", faults, StringComparison.Ordinal);
        Assert.Contains("expected one of 32, 64, 128, 256, 512, 1024, 2048, 4096, found 48.", faults, StringComparison.Ordinal);
        Assert.Contains("expected at least 2, found 1.", faults, StringComparison.Ordinal);
    }

    private PerplexityResult Run(PerplexityOptions options) => Perplexity.Run(folder["model"], folder["text.txt"], options, Device.CPU, RunProgress.None);
}
