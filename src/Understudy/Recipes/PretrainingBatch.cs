using Understudy.Training;

namespace Understudy.Recipes;

/// <summary>A micro-batch of pre-training, without tensors.</summary>
/// <param name="Inputs">What the model reads.</param>
/// <param name="Targets">How the labels are laid out: as the inputs, or as a decoder's targets.</param>
/// <param name="Labels">One for each place of <paramref name="Targets"/>: the token that is right there, <see cref="Losses.IgnoreIndex"/> where none is asked for.</param>
/// <param name="Count">Labels that count.</param>
/// <param name="Bytes">UTF-8 bytes that the labels stand for; one for a special token.</param>
/// <param name="Tokens">Tokens of the text.</param>
internal sealed record PretrainingBatch(TokenLayout Inputs, TokenLayout Targets, long[] Labels, long Count, long Bytes, long Tokens);
