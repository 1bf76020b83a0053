using Understudy.Data;
using Understudy.Generation;
using Understudy.Models;
using Understudy.Tokenization;
using Understudy.Torch;
using Understudy.Training;

namespace Understudy.Recipes;

/// <summary>The next token, of the tokens before it in the same document.</summary>
internal sealed class CausalObjective(ICausalLanguageModel model, Tokenizer tokenizer) : IPretrainingObjective
{
    private readonly TokenByteCounts bytes = new(tokenizer);
    private readonly int separator = Tokenizers.Separator(tokenizer);

    public IPretrainedModel Model => model;

    // A piece brings its last token's target.
    public int LongestPiece => model.MaxLength - 1;

    public PretrainingBatch Layout(IReadOnlyList<int[]> pieces, SeededRandom random)
    {
        var inputs = TokenLayout.Of(pieces, separator);
        var labels = inputs.Beside([.. pieces.Select(piece => Array.ConvertAll(piece, id => (long)id))], Losses.IgnoreIndex);
        var count = pieces.Sum(piece => piece.Length - 1L);
        return new PretrainingBatch(inputs, inputs, labels, count, pieces.Sum(piece => bytes.Of(piece.AsSpan(1))), count);
    }

    public Tensor Loss(PretrainingBatch batch, double divisor, double labelSmoothing, Device device)
    {
        var (ids, mask) = batch.Inputs.To(device);   // [pieces, tokens]
        return Losses.NextToken(model.Prelogits(model.Hidden(ids, mask)), batch.Targets.To(batch.Labels, device), divisor, labelSmoothing: labelSmoothing);
    }

    public string Sample(string prompt, SampleOptions options, long seed)
    {
        var sampling = new SamplingOptions { Temperature = 0.8, TopP = 0.95, MaxNewTokens = options.MaxNewTokens };
        var stop = new StopCondition([separator], [], options.MaxNewTokens, ids => tokenizer.Decode(ids));
        var generator = new TextGenerator(model, LogitsProcessors.From(sampling, [], [separator]), sampling.DoSample, stop);
        var ids = new List<int> { separator };
        tokenizer.EncodeIds(prompt, ids, addSpecialTokens: false);
        return generator.Generate([new GenerationPrompt([.. ids.Take(model.MaxLength - 1)], seed, 1)]).Single().Text;
    }

    public void Dispose() => model.Dispose();
}
