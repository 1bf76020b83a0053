using System.Diagnostics;
using System.Text;
using Understudy.Data;
using Understudy.Models;
using Understudy.Runs;
using Understudy.Tokenization;
using Understudy.Torch;

namespace Understudy.Recipes;

/// <summary>Measures how well a causal model predicts a text (windows and strides as in Hugging Face's guide "Perplexity of fixed-length models"), and what quantised layers lose of it.</summary>
public static class Perplexity
{
    // Logits of this many tokens at once: a large vocabulary makes them the largest tensor there is.
    private const int LogitTokens = 256;

    private const int DefaultContext = 1024;

    /// <summary>Measures the model in its type, then with quantised layers; one is in memory at a time.</summary>
    /// <param name="folder">A causal language model with its tokenizer, or an adapter of one, which is measured on its base.</param>
    /// <param name="text">A UTF-8 text file, gzip allowed.</param>
    /// <param name="options">How.</param>
    /// <param name="device">Where it is computed.</param>
    /// <param name="progress">Told of every window.</param>
    /// <param name="adapterBase">The folder of an adapter's base; null to look for it where the adapter says.</param>
    /// <param name="cancel">Asked before every window.</param>
    /// <exception cref="InvalidDataException">The folder holds no causal model, or the text is no text or shorter than two tokens.</exception>
    public static PerplexityResult Run(string folder, string text, PerplexityOptions options, Device device, IRunProgress progress, string? adapterBase = null, CancellationToken cancel = default)
    {
        ArgumentNullException.ThrowIfNull(options);
        var source = AdapterFolder.SourceOf(folder, adapterBase);
        var (ids, bytes) = Tokens(Tokenizer.FromFolder(source), text, options.MaxTokens);
        var figures = new List<PerplexityFigures>();
        var (context, stride) = (0, 0);
        foreach (var quantization in options.Quantization == WeightQuantization.None ? [WeightQuantization.None] : new[] { WeightQuantization.None, options.Quantization })
        {
            using var model = AutoModel.LoadCausalLanguageModel(source, new LoadOptions
            {
                Device = device, DType = options.Dtype.ToScalarType(), Quantization = quantization, Nf4BlockSize = options.BlockSize, Nf4DoubleQuantization = options.DoubleQuantization,
            });
            using var lora = source == folder ? null : new LoraModel(model);
            lora?.Load(folder);
            context = Math.Min(options.Context ?? DefaultContext, model.MaxLength);
            stride = Math.Min(options.Stride ?? context / 2, context);
            var held = ModelQuantization.Of(model);
            var name = held == WeightQuantization.None ? options.Dtype.ToString().ToLowerInvariant() : ModelQuantization.NameOf(held);
            figures.Add(Measure(model, name, ids, bytes, Windows(ids.Length, context, stride).ToList(), device, progress, cancel));
            // A checkpoint that is in NF4 has nothing to be compared with.
            if (held != WeightQuantization.None) break;
        }

        return new PerplexityResult(ids.Length - 1, bytes, context, stride, figures);
    }

    /// <summary>Windows over a text. Each token but the first is predicted in one of them.</summary>
    /// <param name="tokens">Tokens of the text.</param>
    /// <param name="context">The most tokens of a window.</param>
    /// <param name="stride">Tokens from one window to the next, at most the context.</param>
    /// <returns>The first token of a window, the one after its last, and the first that is predicted in it.</returns>
    internal static IEnumerable<(int Begin, int End, int From)> Windows(int tokens, int context, int stride)
    {
        var done = 1;
        for (var begin = 0; done < tokens; begin += stride)
        {
            var end = Math.Min(begin + context, tokens);
            // With a stride of the whole context a window's first token would be predicted from nothing; the window before it ends one later then.
            var first = Math.Max(0, Math.Min(begin, done - 1));
            yield return (first, Math.Min(first + context, end), done);
            done = Math.Min(first + context, end);
        }
    }

    private static PerplexityFigures Measure(ICausalLanguageModel model, string name, long[] ids, long bytes, List<(int Begin, int End, int From)> windows, Device device, IRunProgress progress, CancellationToken cancel)
    {
        using var gradients = torch.no_grad();
        using var bar = progress.Start($"perplexity {name}", ids.Length - 1, "tokens");
        var watch = Stopwatch.StartNew();
        var sum = 0.0;
        foreach (var (begin, end, from) in windows)
        {
            cancel.ThrowIfCancellationRequested();
            using var scope = torch.NewDisposeScope();
            var window = torch.tensor(ids.AsSpan(begin, end - begin), 1, end - begin).to(device);
            var hidden = model.Hidden(window);   // [1, tokens, hidden]
            for (var at = from; at < end; at += LogitTokens)
            {
                using var part = torch.NewDisposeScope();
                var count = Math.Min(LogitTokens, end - at);
                var logits = model.Logits(hidden.narrow(1, at - 1 - begin, count)).view(count, -1);   // [tokens, vocabulary]
                sum += nn.functional.weighted_cross_entropy(logits, window.narrow(1, at - begin, count).view(-1), torch.ones([count], device: device)).item<double>();
            }

            bar.Advance(end - from, sum / (end - 1));
        }

        var seconds = watch.Elapsed.TotalSeconds;
        var loss = sum / (ids.Length - 1);
        var result = new PerplexityFigures(
            name, model.WeightBytes(), loss,
            sum / Math.Log(2) / bytes, windows.Sum(window => (long)window.End - window.Begin) / seconds);
        bar.Finish(FormattableString.Invariant($"perplexity {result.Perplexity:F3}"));
        return result;
    }

    private static (long[] Ids, long Bytes) Tokens(Tokenizer tokenizer, string path, int most)
    {
        var text = new StringBuilder();
        using (var lines = new LineReader(path, DataSourceOptions.MostMaxLineMb))
        {
            // A token is rarely longer than this; what a file of any size has beyond is not read.
            while (text.Length < 16L * most && lines.MoveNext()) text.Append(lines.CurrentText()).Append('\n');
        }

        var ids = new List<int>();
        tokenizer.EncodeIds(text.ToString(), ids);
        int[] taken = [.. ids.Take(most)];
        return taken.Length >= 2
            ? ([.. taken.Select(id => (long)id)], Math.Max(1, System.Text.Encoding.UTF8.GetByteCount(tokenizer.Decode(taken))))
            : throw new InvalidDataException($"{path} has {taken.Length} token(s); expected at least two, of which the second is predicted from the first.");
    }
}
