namespace Understudy.Tokenization.Chat;

/// <summary>One message of a chat.</summary>
/// <param name="Role">Who speaks, as the template knows it: usually <c>system</c>, <c>user</c> or <c>assistant</c>.</param>
/// <param name="Content">What is said.</param>
public sealed record ChatMessage(string Role, string Content);
