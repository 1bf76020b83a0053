using System.Runtime.InteropServices;
using Understudy.Evaluation;
using Understudy.Runs;
using Understudy.Tokenization;
using Understudy.Training;

namespace Understudy.Recipes;

/// <summary>What simpler means make of the held-out text of a pre-training, in bits per byte: exactly the text that the model is measured on, a document's end counted as one byte.</summary>
/// <param name="Fingerprint">Of the pre-training.</param>
/// <param name="Bytes">Bytes of the held-out text.</param>
/// <param name="Documents">Documents of it, the last perhaps cut short.</param>
/// <param name="TrainBytes">Bytes of the training text that the model of bytes learnt.</param>
/// <param name="Order">Bytes that it looks back.</param>
/// <param name="ByteModel">Bits per byte of that model.</param>
/// <param name="Gzip">Bits per byte of the held-out text alone, packed by gzip at its best level.</param>
/// <param name="Xz">The same by <c>xz -9e</c>; null where there is no such program.</param>
internal sealed record PretrainingBaselines(string Fingerprint, long Bytes, long Documents, long TrainBytes, int Order, double ByteModel, double Gzip, double? Xz)
{
    /// <summary>The file that keeps them, in the stage's folder.</summary>
    internal const string FileName = "baselines.json";

    /// <summary>Bytes that the model of bytes looks back.</summary>
    internal const int ByteModelOrder = 5;

    // Minutes of reading; more text hardly changes a model of so few bytes.
    private const long MostTrainBytes = 512L << 20;

    private static readonly byte[] End = "\n"u8.ToArray();

    /// <summary>What was measured before; null otherwise.</summary>
    internal static PretrainingBaselines? Read(PretrainingFolder pretraining) => pretraining.Cached<PretrainingBaselines>(FileName, figures => figures.Fingerprint);

    /// <summary>Measures them, where they were not measured before, and keeps them in the stage's folder.</summary>
    /// <param name="run">A run folder, of a run under way or finished.</param>
    /// <param name="progress">Told how far it is.</param>
    /// <param name="cancel">Asked now and then.</param>
    /// <returns>Null when there is nothing to compare: no pre-training, none of a causal model, or its text is not prepared yet.</returns>
    internal static PretrainingBaselines? Measure(string run, IRunProgress progress, CancellationToken cancel)
    {
        if (PretrainingFolder.Read(run) is not { IsCausal: true } pretraining || !File.Exists(Path.Combine(pretraining.Stage, "prepared.txt"))) return null;
        if (Read(pretraining) is { } before) return before;
        var tokenizer = Tokenizer.FromFile(Path.Combine(pretraining.Stage, "tokenizer.json"));
        var separator = Tokenizers.Separator(tokenizer);
        PackedTokens Tokens(string name) => PackedTokens.Load(Path.Combine(pretraining.Stage, name), pretraining.RowLength, separator);
        var measured = Of(pretraining.Fingerprint, tokenizer, separator, Tokens("train-tokens.safetensors"), Tokens("held-out-tokens.safetensors"), progress, cancel);
        Storage.Replace(Path.Combine(pretraining.Stage, FileName), RunJson.Text(measured));
        return measured;
    }

    /// <summary>Measures them on packed tokens.</summary>
    internal static PretrainingBaselines Of(string fingerprint, Tokenizer tokenizer, int separator, PackedTokens train, PackedTokens heldOut, IRunProgress progress, CancellationToken cancel)
    {
        var model = new ByteModel(ByteModelOrder);
        using var bar = progress.Start("baselines", train.Count, "tokens");
        var learnt = 0L;
        foreach (var (document, tokens) in Texts(tokenizer, separator, train).TakeWhile(_ => learnt < MostTrainBytes))
        {
            cancel.ThrowIfCancellationRequested();
            model.Learn(document);
            learnt += document.Length;
            bar.Advance(tokens);
        }

        var (text, bits, documents) = (new List<byte>(), 0.0, 0L);
        foreach (var (document, _) in Texts(tokenizer, separator, heldOut))
        {
            cancel.ThrowIfCancellationRequested();
            bits += model.Bits(document);
            text.AddRange(document);
            documents++;
        }

        var all = text.ToArray();
        double PerByte(long packed) => 8.0 * packed / all.Length;
        var result = new PretrainingBaselines(
            fingerprint, all.Length, documents, learnt, model.Order, bits / all.Length, PerByte(CompressedSize.Gzip(all)), CompressedSize.Xz(all) is { } packed ? PerByte(packed) : null);
        bar.Finish(FormattableString.Invariant($"{result.ByteModel:F3} bits per byte by the {result.Order} bytes before"));
        return result;
    }

    /// <summary>The documents as bytes, each with the line break that stands for its end, and the tokens of each: of every row what is a target, as the model is measured.</summary>
    internal static IEnumerable<(byte[] Text, int Tokens)> Texts(Tokenizer tokenizer, int separator, PackedTokens packed)
    {
        var bytes = tokenizer.TokenBytes;
        var (document, tokens) = (new List<byte>(), 0);
        for (var row = 0; row < packed.Rows; row++)
        {
            foreach (var piece in packed.Pieces([row], packed.RowLength))
            {
                for (var i = 1; i < piece.Length; i++)
                {
                    var token = bytes.Of(piece[i]);
                    // What is no text counts as one byte, as it does where the model is measured.
                    document.AddRange(token.IsEmpty ? End : token);
                    tokens++;
                    if (piece[i] != separator) continue;
                    yield return ([.. CollectionsMarshal.AsSpan(document)], tokens);
                    document.Clear();
                    tokens = 0;
                }
            }
        }

        if (document.Count > 0) yield return ([.. CollectionsMarshal.AsSpan(document)], tokens);
    }
}
