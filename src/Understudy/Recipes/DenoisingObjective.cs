using Understudy.Data;
using Understudy.Generation;
using Understudy.Models;
using Understudy.Tokenization;
using Understudy.Torch;
using Understudy.Training;

namespace Understudy.Recipes;

/// <summary>A text, of its spoilt form: spans of words are one mask each, and sentences have changed places (Lewis et al., arXiv 1910.13461).</summary>
internal sealed class DenoisingObjective(ISequenceToSequenceModel model, Tokenizer tokenizer, DenoisingOptions options) : IPretrainingObjective
{
    private readonly TokenByteCounts bytes = new(tokenizer);
    private readonly EncoderTokens special = new(tokenizer);
    private readonly TextNoise noise = new(tokenizer, options);

    public IPretrainedModel Model => model;

    // <s> and </s>.
    public int LongestPiece => model.MaxLength - 2;

    public PretrainingBatch Layout(IReadOnlyList<int[]> pieces, SeededRandom random)
    {
        int[][] texts = [.. pieces.Select(special.Text).Where(text => text.Length > 0)];
        int[][] targets = [.. texts.Select(special.Around)];
        // Masks that are put in may make a text longer than the model takes.
        var inputs = TokenLayout.Of([.. texts.Select(text => special.Around([.. noise.Spoil(text, random).Take(LongestPiece)]))], special.Padding);
        var layout = TokenLayout.Of(targets, special.Padding);
        var labels = layout.Beside([.. targets.Select(target => Array.ConvertAll(target, id => (long)id))], Losses.IgnoreIndex);
        return new PretrainingBatch(inputs, layout, labels, layout.Tokens, texts.Sum(text => bytes.Of(text) + 1), layout.Tokens);
    }

    public Tensor Loss(PretrainingBatch batch, double divisor, double labelSmoothing, Device device)
    {
        var (ids, mask) = batch.Inputs.To(device);                   // [texts, source]
        var targetMask = batch.Targets.To(device).Mask;
        var labels = batch.Targets.To(batch.Labels, device);         // [texts, target]
        var decoderInput = Losses.DecoderInput(labels, model.DecoderStartTokenId, model.PadTokenId);
        var hidden = model.Decode(decoderInput, model.Encode(ids, mask), mask, decoderAttentionMask: targetMask);
        return Losses.TargetToken(model.Prelogits(hidden), labels, divisor, labelSmoothing: labelSmoothing);
    }

    public string Sample(string prompt, SampleOptions options, long seed)
    {
        var ids = new List<int>();
        tokenizer.EncodeIds(prompt, ids, addSpecialTokens: false);
        var stop = new StopCondition(model.EosTokenIds, [], options.MaxNewTokens, given => tokenizer.Decode(given));
        return new TextGenerator(model, [], doSample: false, stop).Generate([new GenerationPrompt(special.Around([.. ids.Take(LongestPiece - 1)]), seed, 1)]).Single().Text;
    }

    public void Dispose() => model.Dispose();
}
