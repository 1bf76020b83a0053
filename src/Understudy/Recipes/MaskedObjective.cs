using Understudy.Data;
using Understudy.Models;
using Understudy.Tokenization;
using Understudy.Torch;
using Understudy.Training;

namespace Understudy.Recipes;

/// <summary>Hidden words of a text, of all the others (Devlin et al., arXiv 1810.04805); what is hidden is chosen anew every time (Liu et al., arXiv 1907.11692).</summary>
internal sealed class MaskedObjective(IMaskedLanguageModel model, Tokenizer tokenizer, MaskingOptions options) : IPretrainingObjective
{
    private const int Together = 64;

    private readonly TokenByteCounts bytes = new(tokenizer);
    private readonly WordStarts words = new(tokenizer);
    private readonly EncoderTokens special = new(tokenizer);

    public IPretrainedModel Model => model;

    // <s> and </s>.
    public int LongestPiece => model.MaxLength - 2;

    public PretrainingBatch Layout(IReadOnlyList<int[]> pieces, SeededRandom random)
    {
        var rows = new List<int[]>();
        var labels = new List<long[]>();
        var (count, size) = (0L, 0L);
        foreach (var text in pieces.Select(special.Text).Where(text => text.Length > 0))
        {
            var row = special.Around(text);
            var wanted = new long[row.Length];
            Array.Fill(wanted, Losses.IgnoreIndex);
            foreach (var place in Hide(text, row.AsSpan(1), random))
            {
                wanted[place + 1] = text[place];
                count++;
                size += bytes.Of([text[place]]);
            }

            rows.Add(row);
            labels.Add(wanted);
        }

        var inputs = TokenLayout.Of(rows, special.Padding);
        return new PretrainingBatch(inputs, inputs, inputs.Beside(labels, Losses.IgnoreIndex), count, size, inputs.Tokens);
    }

    public Tensor Loss(PretrainingBatch batch, double divisor, double labelSmoothing, Device device)
    {
        var (ids, mask) = batch.Inputs.To(device);   // [texts, tokens]
        var hidden = model.Hidden(ids, mask);
        // A fifth of the places are asked for: the head computes those alone, and some places that do not count so that the sizes of products recur.
        var places = Enumerable.Range(0, batch.Labels.Length).Where(place => batch.Labels[place] != Losses.IgnoreIndex).Select(place => (long)place).ToList();
        long[] labels = [.. places.Select(place => batch.Labels[place]), .. Enumerable.Repeat(Losses.IgnoreIndex, -places.Count & (Together - 1))];
        places.AddRange(Enumerable.Repeat(0L, labels.Length - places.Count));
        var asked = hidden.reshape(-1, hidden.size(2)).index_select(0, torch.tensor([.. places]).to(device));
        return Losses.TargetToken(model.Prelogits(asked), torch.tensor(labels).to(device), divisor, labelSmoothing: labelSmoothing);
    }

    public string Sample(string prompt, SampleOptions options, long seed)
    {
        var ids = new List<int>();
        tokenizer.EncodeIds(prompt, ids, addSpecialTokens: false);
        var row = special.Around([.. ids.Take(LongestPiece)]);
        using var gradients = torch.no_grad();
        using var scope = torch.NewDisposeScope();
        var best = model.Forward(torch.tensor(Array.ConvertAll(row, id => (long)id), 1, row.Length).to(model.Parameters[0].Value.device)).argmax(-1).to(Device.CPU).ToArray<long>();
        return tokenizer.Decode([.. row.Select((id, place) => id == special.Mask ? (int)best[place] : id)]);
    }

    public void Dispose() => model.Dispose();

    /// <summary>Chooses words and spoils them in the row.</summary>
    /// <returns>The places that are asked for.</returns>
    private List<int> Hide(int[] text, Span<int> row, SeededRandom random)
    {
        var units = options.WholeWord ? words.Words(text) : [.. Enumerable.Range(0, text.Length).Select(place => place..(place + 1))];
        random.Shuffle(System.Runtime.InteropServices.CollectionsMarshal.AsSpan(units));
        // A share of tokens that is no whole number is right on average.
        var wanted = Math.Max(1, (int)((text.Length * options.Probability) + random.NextDouble()));
        var chosen = new List<int>();
        foreach (var unit in units)
        {
            if (chosen.Count >= wanted) break;
            var draw = random.NextDouble();
            for (var place = unit.Start.Value; place < unit.End.Value; place++)
            {
                chosen.Add(place);
                if (draw < options.MaskShare) row[place] = special.Mask;
                else if (draw < options.MaskShare + options.RandomShare) row[place] = special.AnyText(random);
            }
        }

        return chosen;
    }
}
